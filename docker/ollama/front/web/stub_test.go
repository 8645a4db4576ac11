package web

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"slm-ollama/engine"
	"slm-ollama/logs"
)

func TestMain(m *testing.M) {
	logs.Configure(io.Discard)
	os.Exit(m.Run())
}

// stub answers like Ollama's native API, with what a test tells it to.
type stub struct {
	mutex sync.Mutex
	// seen are the bodies it was sent, the latest last.
	seen   []map[string]any
	paths  []string
	answer func(w http.ResponseWriter, r *http.Request)
	// rendered is what its template makes of any conversation, with so many images.
	rendered string
	images   int
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var body map[string]any
	_ = json.Unmarshal(raw, &body)
	s.mutex.Lock()
	s.seen, s.paths = append(s.seen, body), append(s.paths, r.URL.Path)
	s.mutex.Unlock()
	if body["_debug_render_only"] == true {
		info := map[string]any{"rendered_template": s.rendered, "image_count": s.images}
		_ = json.NewEncoder(w).Encode(map[string]any{"model": "slm", "_debug_info": info})
		return
	}
	s.answer(w, r)
}

func (s *stub) last() map[string]any {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.seen[len(s.seen)-1]
}

// line is one native message of a chat.
func line(text string, more string) string {
	return fmt.Sprintf(`{"model":"slm","message":{"role":"assistant","content":%q}%s}`+"\n", text, more)
}

const done = `,"done":true,"done_reason":"stop","prompt_eval_count":7,"eval_count":2`

// says answers with these lines.
func says(lines ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, each := range lines {
			_, _ = io.WriteString(w, each)
			w.(http.Flusher).Flush()
		}
	}
}

func fails(status int, message string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": message})
	}
}

// served is a server of ours before a stub.
func served(t *testing.T, slots, queue int, can engine.Abilities) (*Server, *stub, string) {
	t.Helper()
	native := &stub{answer: says(line("Hello", ""), line("", done))}
	behind := httptest.NewServer(native)
	t.Cleanup(behind.Close)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(behind.URL, "http://"))
	number, _ := strconv.Atoi(port)
	server := New("smol", 100, slots, queue, engine.NewClient(number))
	server.Ready(can)
	before := httptest.NewServer(server)
	t.Cleanup(before.Close)
	return server, native, before.URL
}

var chatModel = engine.Abilities{Chat: true, Tools: true, Sets: map[string]bool{}}

func ask(t *testing.T, url, body string) (int, http.Header, string) {
	t.Helper()
	answer, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, string(raw)
}

// asChat is the body of a chat with these fields more.
func asChat(more string) string {
	return `{"model":"smol","messages":[{"role":"user","content":"hi"}]` + more + `}`
}

func problemOf(t *testing.T, body string) map[string]any {
	t.Helper()
	var found struct{ Error map[string]any }
	if json.Unmarshal([]byte(body), &found) != nil || found.Error["message"] == nil {
		t.Fatalf("no error in OpenAI's form: %s", body)
	}
	return found.Error
}
