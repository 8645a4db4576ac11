package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"slm-ollama/engine"
)

// Server answers OpenAI's routes for one model.
type Server struct {
	// Model is the public model id.
	Model         string
	ContextLength int
	Client        *engine.Client
	Life          *Life

	can     engine.Abilities
	started int64
	limits  *limits
	metrics *metrics
	routes  map[string]endpoint
}

type parser func(map[string]json.RawMessage) (*call, *Problem)

// New makes a server of so many slots, with so many places in the queue.
func New(model string, contextLength, slots, queue int, client *engine.Client) *Server {
	s := &Server{Model: model, ContextLength: contextLength, Client: client, Life: &Life{}}
	s.started = time.Now().Unix()
	s.limits = newLimits(slots, queue)
	s.metrics = newMetrics(s)
	s.routes = s.endpoints()
	return s
}

// Ready says what the model can do and that it is in memory.
func (s *Server) Ready(can engine.Abilities) {
	s.can = can
	s.Life.Load()
}

type handler func(w http.ResponseWriter, r *http.Request, record *record) *Problem

type endpoint struct {
	name   string
	handle handler
}

// endpoints are the routes that are counted and logged.
func (s *Server) endpoints() map[string]endpoint {
	generating := func(parse parser) handler {
		return func(w http.ResponseWriter, r *http.Request, record *record) *Problem {
			return s.generate(w, r, record, parse)
		}
	}
	return map[string]endpoint{
		"/v1/chat/completions": {"chat", generating(s.parseChat)},
		"/v1/completions":      {"completions", generating(s.parseText)},
		"/v1/embeddings":       {"embeddings", s.embeddings},
	}
}

// ServeHTTP knows exactly these paths: Ollama's own, which manage models, are not among them.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if known, ok := s.routes[path]; ok {
		s.recorded(w, r, known)
		return
	}
	var problem *Problem
	switch {
	case path == "/v1/models":
		problem = only(r, func() { writeJSON(w, object{"object": "list", "data": []object{s.modelObject()}}) })
	case strings.HasPrefix(path, "/v1/models/"):
		if problem = s.checkModel(strings.TrimPrefix(path, "/v1/models/")); problem == nil {
			problem = only(r, func() { writeJSON(w, s.modelObject()) })
		}
	case path == "/health":
		problem = s.health(w)
	case path == "/ready":
		problem = s.ready(w)
	case path == "/metrics":
		s.metrics.handler.ServeHTTP(w, r)
	default:
		problem = &Problem{Status: http.StatusNotFound, Message: "no such path", Code: "not_found"}
	}
	if problem != nil {
		problem.write(w)
	}
}

// only runs for GET.
func only(r *http.Request, run func()) *Problem {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return wrongMethod()
	}
	run()
	return nil
}

func wrongMethod() *Problem {
	return &Problem{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed",
		Message: "method not allowed on this path"}
}

// health is live: restart the container when this fails.
func (s *Server) health(w http.ResponseWriter) *Problem {
	if s.Life.failed.Load() {
		return engineFailed()
	}
	writeJSON(w, object{"status": "live"})
	return nil
}

// ready is for sending requests here.
func (s *Server) ready(w http.ResponseWriter) *Problem {
	switch {
	case s.Life.leaving.Load():
		return draining()
	case !s.Life.Loaded():
		return starting()
	}
	return s.health(w)
}

func (s *Server) modelObject() object {
	return object{
		"id": s.Model, "object": "model", "created": s.started, "owned_by": "slm-kit",
		"max_model_len": s.ContextLength,
	}
}

func (s *Server) checkModel(name string) *Problem {
	if name == s.Model {
		return nil
	}
	if name == "" {
		return refused("missing_field", "model", "model: Field required")
	}
	return &Problem{Status: http.StatusNotFound, Code: "model_not_found", Param: "model",
		Message: "this server has no such model: it serves '" + s.Model + "'"}
}
