package real

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const greedy = `,"temperature":0,"max_tokens":24`

func TestTheRealModelAnswersWithinItsLimits(t *testing.T) {
	s := begin(t, "")
	t.Run("a question", func(t *testing.T) {
		r := chat(t, "What is the capital of France?", greedy)
		if r.status != 200 || r.Model != "smol" || !strings.Contains(r.text(), "Paris") || r.Usage.Prompt < 10 || r.Usage.Generated < 2 {
			t.Error(r.raw)
		}
	})
	t.Run("max_tokens, stop and seed", func(t *testing.T) {
		if r := complete(t, "1, 2, 3, 4,", `,"temperature":0,"max_tokens":5`); r.Choices[0].Finish != "length" || r.Usage.Generated != 5 {
			t.Error(r.raw)
		}
		if r := complete(t, "1, 2, 3, 4,", `,"temperature":0,"max_tokens":60,"stop":"7"`); r.Choices[0].Finish != "stop" || strings.Contains(r.text(), "7") {
			t.Error(r.raw)
		}
		seeded := `,"temperature":1,"max_tokens":12,"seed":7`
		if one, two := complete(t, "Once", seeded), complete(t, "Once", seeded); one.text() != two.text() || one.text() == "" {
			t.Error(one.text(), two.text())
		}
	})
	t.Run("a prompt beyond the context is refused, not cut", func(t *testing.T) {
		long := strings.Repeat("word ", 400)
		for _, r := range []reply{chat(t, long, ""), complete(t, long, ""), chat(t, long, `,"stream":true`)} {
			if r.status != 400 || r.Error.Code != "context_length_exceeded" {
				t.Error(r.status, r.raw)
			}
		}
	})
	t.Run("prompt and answer fill the context, and not one token more", func(t *testing.T) {
		long := strings.Repeat("word ", 150)
		used := complete(t, long, `,"max_tokens":1`).Usage.Prompt
		full := fmt.Sprintf(`,"stop":" word","max_tokens":%d`, 256-used)
		if r := complete(t, long, full); r.status != 200 {
			t.Error(used, r.raw)
		}
		more := fmt.Sprintf(`,"stop":" word","max_tokens":%d`, 257-used)
		if r := complete(t, long, more); r.status != 400 || r.Error.Code != "context_length_exceeded" || !strings.Contains(r.raw, "of 256 tokens") {
			t.Error(used, r.raw)
		}
		r := chat(t, "Repeat for ever: "+strings.Repeat("word ", 205),
			`,"temperature":0,"response_format":{"type":"json_schema","json_schema":{"name":"l","schema":{"type":"array","items":{"type":"string"},"minItems":60}}}`)
		if r.status != 200 || r.Usage.Prompt+r.Usage.Generated != 256 || r.Choices[0].Finish != "length" {
			t.Error(r.raw)
		}
	})
	t.Run("greedy takes the likeliest token", func(t *testing.T) {
		r := chat(t, "Count from one to ten.", greedy+`,"logprobs":true,"top_logprobs":1`)
		if tokens := r.Choices[0].Logprobs.Content; len(tokens) < 10 {
			t.Error(r.raw)
		} else {
			for _, each := range tokens {
				if each.Token != each.Top[0].Token {
					t.Error("it says", each.Token, "but the likeliest is", each.Top[0].Token)
				}
			}
		}
	})
	t.Run("a JSON schema is followed", func(t *testing.T) {
		r := chat(t, "Give me a city.", `,"max_tokens":100,"temperature":0,"response_format":{"type":"json_schema","json_schema":{"name":"c","schema":{"type":"object","properties":{"city":{"type":"string","maxLength":20}},"required":["city"],"additionalProperties":false}}}`)
		var city struct{ City string }
		if err := json.Unmarshal([]byte(r.text()), &city); err != nil || city.City == "" {
			t.Error(r.raw)
		}
	})
	t.Run("a stream ends with usage", func(t *testing.T) {
		r := chat(t, "Hello", `,"max_tokens":8,"stream":true,"stream_options":{"include_usage":true}`)
		if strings.Count(r.raw, "data: ") < 4 || !strings.Contains(r.raw, `"completion_tokens":8`) || !strings.HasSuffix(r.raw, "data: [DONE]\n\n") {
			t.Error(r.raw)
		}
	})
	t.Run("what it cannot do is said", func(t *testing.T) {
		if r := post(t, "/v1/embeddings", `{"model":"smol","input":"x"}`); r.status != 400 || r.Error.Code != "unsupported_endpoint" {
			t.Error(r.raw)
		}
		if r := post(t, "/api/pull", `{"model":"x"}`); r.status != 404 {
			t.Error(r.raw)
		}
	})
	checkHost(t, s)
	if code := s.end(t); code != 0 {
		t.Error("exit code", code, s.logged())
	}
}

// checkHost looks at what the program did around the model.
func checkHost(t *testing.T, s *server) {
	t.Helper()
	if !strings.Contains(s.logged(), "libggml-cpu") {
		t.Error("no kernels for processors were loaded: ", s.logged())
	}
	if strings.Contains(s.logged(), "capital of France") {
		t.Error("a prompt is in the log")
	}
	size := int64(0)
	_ = filepath.WalkDir(s.home, func(path string, _ fs.DirEntry, _ error) error {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	if size == 0 || size > 1<<20 {
		t.Errorf("Ollama's store has %d bytes: the weights are to be links", size)
	}
	addresses, _ := net.InterfaceAddrs()
	for _, each := range addresses {
		address, ok := each.(*net.IPNet)
		if !ok || address.IP.IsLoopback() {
			continue
		}
		if line, err := net.DialTimeout("tcp", net.JoinHostPort(address.IP.String(), "11434"), time.Second); err == nil {
			_ = line.Close()
			t.Error("Ollama itself can be reached on", address)
		}
	}
}

func TestAVariantIsItsModelfile(t *testing.T) {
	plain := begin(t, "")
	before := chat(t, "Hi", greedy).Usage.Prompt
	plain.end(t)
	s := begin(t, "SYSTEM \"\"\"You are a \"pirate\".\nAlways say arr.\"\"\"\nTEMPLATE \"\"\"<|im_start|>system\n{{ .System }}<|im_end|>\n{{ range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}<|im_start|>assistant\n\"\"\"\nPARAMETER stop \"\"\"<|im_end|>\"\"\"\nPARAMETER num_predict 3\n")
	r := chat(t, "Hi", `,"temperature":0`)
	if r.status != 200 || r.Usage.Prompt == before || r.Usage.Generated > 3 {
		t.Error(before, r.raw)
	}
	s.end(t)
}

func TestRequestsUnderWayAreFinishedAfterSIGTERM(t *testing.T) {
	s := begin(t, "", "--linger-seconds", "0.5", "--drain-seconds", "60")
	answers := make(chan reply)
	go func() { answers <- complete(t, "A long story:", `,"max_tokens":150,"temperature":1,"seed":5`) }()
	time.Sleep(300 * time.Millisecond)
	_ = s.command.Process.Signal(syscall.SIGTERM)
	if r := <-answers; r.status != 200 || r.Usage.Generated < 2 {
		t.Error(r.status, r.raw)
	}
	if code := s.code(t); code != 0 {
		t.Error("exit code", code)
	}
	if left, _ := exec.Command("pgrep", "-x", "ollama").Output(); len(left) > 0 {
		t.Error("ollama is left behind", string(left))
	}
}

func TestItEndsWithItsEngine(t *testing.T) {
	s := begin(t, "")
	kill(t, child(t, s))
	if code := s.code(t); code != 1 || !strings.Contains(s.logged(), "ollama ended by itself") {
		t.Error(code, s.logged())
	}
}

func TestAContextThatTheWeightsDoNotAllowIsRefusedAtStart(t *testing.T) {
	s := launch(t, "", "--context-length", "1000000")
	if code := s.code(t); code != 1 || !strings.Contains(s.logged(), "the weights allow no more") {
		t.Error(code, s.logged())
	}
}
