package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// maxBody is more than any context length of a small model needs; the gateway's limit is lower.
const maxBody = 4 << 20

// bodySeconds is how long a client may take to send it.
const bodySeconds = 30

// parsed reads a body and hands its fields to parse. No more bodies are parsed at once than requests could be
// admitted.
func (s *Server) parsed(w http.ResponseWriter, r *http.Request, parse func(map[string]json.RawMessage) *Problem) *Problem {
	raw, problem := readBody(w, r)
	if problem != nil {
		return problem
	}
	select {
	case s.limits.parsing <- struct{}{}:
		defer func() { <-s.limits.parsing }()
	default:
		return s.full()
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(raw, &given); err != nil || given == nil {
		return refused("invalid_json", "", "the body is no JSON object")
	}
	if problem := checkUnsupported(given); problem != nil {
		return problem
	}
	return parse(given)
}

// readBody reads and bounds a body.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, *Problem) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodySeconds * time.Second))
	var raw bytes.Buffer
	_, err := raw.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	_ = control.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &Problem{Status: http.StatusRequestEntityTooLarge, Code: "body_too_large",
			Message: "the body exceeds " + strconv.Itoa(maxBody) + " bytes: shorten the prompt"}
	case err != nil:
		return nil, refused("client_gone", "", "the body is not complete")
	}
	return raw.Bytes(), nil
}

func checkUnsupported(given map[string]json.RawMessage) *Problem {
	for name, value := range given {
		if string(value) == "null" { // means "not given" in OpenAI's API
			delete(given, name)
		}
	}
	return refuseAny(everywhere, given, "is not supported by this engine: leave it out")
}

// decode reads the fields of that exact name into target. Go's decoder would take `Model` for `model`.
func decode(given map[string]json.RawMessage, target any, names ...string) *Problem {
	exact := map[string]json.RawMessage{}
	for _, name := range names {
		if value, ok := given[name]; ok {
			exact[name] = value
		}
	}
	again, err := json.Marshal(exact)
	if err == nil {
		err = json.Unmarshal(again, target)
	}
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Field != "":
		return refused("invalid_value", wrong.Field, "%s: a %s does not fit here", wrong.Field, wrong.Value)
	default:
		return refused("invalid_value", "", "the body has a value that does not fit")
	}
}
