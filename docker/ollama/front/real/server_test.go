// Package real tests the program and the real Ollama behind it, inside their image.
package real

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	program = "/usr/bin/slm-ollama"
	models  = "/models"
	port    = "8000"
	url     = "http://127.0.0.1:" + port
	loading = 120 * time.Second
)

// server is a running slm-ollama.
type server struct {
	command *exec.Cmd
	home    string
	ended   chan error
	mutex   sync.Mutex
	log     bytes.Buffer
}

func (s *server) Write(text []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.log.Write(text)
}

func (s *server) logged() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.log.String()
}

// begin starts the program with a Modelfile of these lines more and waits until it is ready.
func begin(t *testing.T, lines string, arguments ...string) *server {
	t.Helper()
	s := launch(t, lines, arguments...)
	for end := time.Now().Add(loading); ; time.Sleep(50 * time.Millisecond) {
		if answer, err := http.Get(url + "/ready"); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return s
			}
		}
		select {
		case err := <-s.ended:
			t.Fatal("ended: ", err, s.logged())
		default:
		}
		if time.Now().After(end) {
			t.Fatal("not ready: ", s.logged())
		}
	}
}

func launch(t *testing.T, lines string, arguments ...string) *server {
	t.Helper()
	if found, _ := filepath.Glob(models + "/*.gguf"); len(found) == 0 {
		t.Skip("skipped: no GGUF model is mounted at /models")
	}
	folder := t.TempDir()
	modelfile := filepath.Join(folder, "Modelfile")
	if err := os.WriteFile(modelfile, []byte("FROM "+models+"\nPARAMETER num_thread 2\n"+lines), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &server{home: filepath.Join(folder, "home"), ended: make(chan error, 1)}
	s.command = exec.Command(program, append([]string{"--modelfile", modelfile, "--served-name", "smol",
		"--home", s.home, "--port", port, "--context-length", "256", "--slots", "2", "--queue", "1"}, arguments...)...)
	s.command.Stdout, s.command.Stderr = s, s
	s.command.Env = append(os.Environ(), "OLLAMA_FLASH_ATTENTION=1", "OLLAMA_KEEP_ALIVE=-1")
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.command.Wait() }()
	t.Cleanup(func() { _ = s.command.Process.Kill() })
	return s
}

// end asks it to stop and returns its exit code.
func (s *server) end(t *testing.T) int {
	t.Helper()
	_ = s.command.Process.Signal(syscall.SIGTERM)
	return s.code(t)
}

func (s *server) code(t *testing.T) int {
	t.Helper()
	select {
	case <-s.ended:
		return s.command.ProcessState.ExitCode()
	case <-time.After(60 * time.Second):
		t.Fatal("it does not end: ", s.logged())
		return -1
	}
}

// reply is what the tests read of an answer.
type reply struct {
	status  int
	raw     string
	Model   string
	Choices []struct {
		Text    string
		Message struct{ Content string }
		Finish  string `json:"finish_reason"`
		// Logprobs has, for each token, the likeliest ones in its place.
		Logprobs struct {
			Content []struct {
				Token string
				Top   []struct{ Token string } `json:"top_logprobs"`
			}
		}
	}
	Usage struct {
		Prompt    int `json:"prompt_tokens"`
		Generated int `json:"completion_tokens"`
	}
	Error struct{ Code, Message, Param string }
}

func (r reply) text() string {
	if len(r.Choices) == 0 {
		return "no choices: " + r.raw
	}
	return r.Choices[0].Message.Content + r.Choices[0].Text
}

func post(t *testing.T, path, body string) reply {
	t.Helper()
	answer, err := http.Post(url+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return reply{}
	}
	defer answer.Body.Close()
	raw, _ := io.ReadAll(answer.Body)
	found := reply{status: answer.StatusCode, raw: string(raw)}
	_ = json.Unmarshal(raw, &found)
	return found
}

func chat(t *testing.T, text, more string) reply {
	t.Helper()
	return post(t, "/v1/chat/completions",
		fmt.Sprintf(`{"model":"smol","messages":[{"role":"user","content":%q}]%s}`, text, more))
}

func complete(t *testing.T, prompt, more string) reply {
	t.Helper()
	return post(t, "/v1/completions", fmt.Sprintf(`{"model":"smol","prompt":%q%s}`, prompt, more))
}
