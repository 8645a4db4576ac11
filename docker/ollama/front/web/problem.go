// Package web is the only way to the engine: OpenAI's routes, bounded, and nothing of Ollama's own.
package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"slm-ollama/engine"
)

const (
	// retrySeconds is Retry-After of a full queue: about one short answer of a small model.
	retrySeconds = 2
	// retryWhenDraining gives the gateway time to find another one.
	retryWhenDraining = 5
	// clientGone is nginx's number for a client that left; only the log ever shows it.
	clientGone = 499
)

// Problem is one refusal or failure, as a client sees it.
type Problem struct {
	Status     int
	Message    string
	Code       string
	Param      string
	RetryAfter int
}

func (p *Problem) Error() string { return p.Message }

func (p *Problem) body() []byte {
	kind := "invalid_request_error"
	if p.Status >= http.StatusInternalServerError {
		kind = "server_error"
	}
	var param any
	if p.Param != "" {
		param = p.Param
	}
	inner := map[string]any{"message": p.Message, "type": kind, "param": param, "code": p.Code}
	body, _ := json.Marshal(map[string]any{"error": inner})
	return body
}

func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(p.body())
}

func refused(code, param, format string, values ...any) *Problem {
	return &Problem{Status: http.StatusBadRequest, Message: fmt.Sprintf(format, values...), Code: code, Param: param}
}

func unsupported(param, why string) *Problem {
	return refused("unsupported_parameter", param, "%s %s", param, why)
}

func draining() *Problem {
	return &Problem{Status: http.StatusServiceUnavailable, Code: "shutting_down", RetryAfter: retryWhenDraining,
		Message: "the server is shutting down: send the request again"}
}

func starting() *Problem {
	return &Problem{Status: http.StatusServiceUnavailable, Code: "model_loading", RetryAfter: retrySeconds,
		Message: "the model is being loaded: send the request again"}
}

func engineFailed() *Problem {
	return &Problem{Status: http.StatusInternalServerError, Code: "engine_failed",
		Message: "the engine failed: send the request again"}
}

func (s *Server) tooLong() *Problem {
	return refused("context_length_exceeded", "",
		"the prompt exceeds the context length of %d tokens: shorten the prompt", s.ContextLength)
}

var (
	overflow = regexp.MustCompile(`(?i)exceeds? (the |maximum )?context length`)
	grammar  = regexp.MustCompile(`(?i)invalid (json schema|format)|sampling context|grammar`)
)

// fromEngine is the form of an error of Ollama's that a client may see; what it may not is logged.
func (s *Server) fromEngine(err error, structured bool) *Problem {
	var problem *Problem
	if errors.As(err, &problem) {
		return problem
	}
	var refusal *engine.Refusal
	if !errors.As(err, &refusal) {
		slog.Error("the engine does not answer", "kind", fmt.Sprintf("%T", root(err)))
		return engineFailed()
	}
	switch {
	case overflow.MatchString(refusal.Message):
		return s.tooLong()
	case structured && grammar.MatchString(refusal.Message):
		return refused("invalid_value", "response_format", "response_format: this JSON schema cannot be followed")
	case refusal.Status == http.StatusServiceUnavailable:
		return s.full()
	case refusal.Status < http.StatusInternalServerError:
		return refused("refused_by_engine", "", "%s", refusal.Message)
	}
	// Its message may quote what the model wrote.
	slog.Error("the engine failed", "status", refusal.Status, "class", class(refusal.Message))
	return engineFailed()
}

// class sorts a message of Ollama's without showing it.
func class(message string) string {
	for _, each := range []struct{ name, word string }{
		{"memory", "memory"}, {"runner", "runner"}, {"parsing", "pars"}, {"template", "template"}, {"timeout", "time"},
	} {
		if strings.Contains(strings.ToLower(message), each.word) {
			return each.name
		}
	}
	return "other"
}

// root is the error that the others wrap.
func root(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}
