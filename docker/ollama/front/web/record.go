package web

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"slm-ollama/logs"
)

var saneID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

// record is what is known of one request when it ends. Never prompts, never answers.
type record struct {
	id        string
	began     time.Time
	admitted  time.Time
	queued    time.Duration
	first     time.Time
	latest    time.Time
	status    int
	code      string
	stream    bool
	cancelled bool
	prompt    int
	generated int
}

func (r *record) usage(prompt, generated int) { r.prompt, r.generated = prompt, generated }

// pieceAt notes a piece of the answer.
func (r *record) pieceAt(now time.Time, metrics *metrics) {
	if r.first.IsZero() {
		r.first = now
		metrics.firstToken.Observe(now.Sub(r.began).Seconds())
	} else {
		metrics.interToken.Observe(now.Sub(r.latest).Seconds())
	}
	r.latest = now
}

func (r *record) outcome() string {
	switch {
	case r.cancelled:
		return "cancelled"
	case r.code == "queue_full", r.code == "model_loading":
		return "full"
	case r.code == "shutting_down":
		return "draining"
	case r.status >= http.StatusInternalServerError:
		return "failed"
	case r.status >= http.StatusBadRequest:
		return "refused"
	}
	return "ok"
}

// recorded runs a handler, counts what came of it and writes one log line.
func (s *Server) recorded(w http.ResponseWriter, r *http.Request, endpoint endpoint) {
	s.Life.open.Add(1)
	defer s.Life.open.Add(-1)
	record := &record{id: r.Header.Get("X-Request-Id"), began: time.Now(), status: http.StatusOK}
	if !saneID.MatchString(record.id) {
		random := make([]byte, 16)
		_, _ = rand.Read(random)
		record.id = hex.EncodeToString(random)
	}
	w.Header().Set("X-Request-Id", record.id)
	if problem := s.guarded(w, r, record, endpoint.handle); problem != nil {
		record.status, record.code = problem.Status, problem.Code
		problem.write(w)
	}
	if record.cancelled {
		record.status = clientGone
	}
	s.metrics.ended(endpoint.name, record)
	slog.Info("request", record.fields(endpoint.name, s.Model)...)
}

// guarded turns a bug of ours into a 500 that shows nothing of it.
func (s *Server) guarded(w http.ResponseWriter, r *http.Request, record *record, handle handler) (problem *Problem) {
	defer func() {
		if crash := recover(); crash != nil {
			slog.Error("crash", "stack", string(debug.Stack()))
			problem = &Problem{Status: http.StatusInternalServerError, Code: "internal_error",
				Message: "internal error: see the server's log"}
		}
	}()
	if r.Method != http.MethodPost {
		return wrongMethod()
	}
	return handle(w, r, record)
}

func (r *record) fields(endpoint, model string) []any {
	fields := []any{
		"endpoint", endpoint, "request_id", r.id, "status", r.status, "outcome", r.outcome(), "code", r.code,
		"model", model, "stream", r.stream, "total_ms", logs.Millis(time.Since(r.began)),
		"prompt_tokens", r.prompt, "completion_tokens", r.generated,
	}
	if !r.admitted.IsZero() {
		fields = append(fields, "queue_ms", logs.Millis(r.queued))
	}
	if !r.first.IsZero() {
		fields = append(fields, "first_token_ms", logs.Millis(r.first.Sub(r.began)))
	}
	return fields
}
