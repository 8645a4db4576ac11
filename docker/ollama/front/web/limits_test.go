package web

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestSlotsRunTheQueueWaitsAndMoreGets503(t *testing.T) {
	server, native, url := served(t, 2, 1, chatModel)
	release := make(chan struct{})
	native.answer = func(w http.ResponseWriter, r *http.Request) {
		<-release
		says(line("x", done))(w, r)
	}
	var all sync.WaitGroup
	results := make(chan int, 3)
	for range 3 {
		all.Add(1)
		go func() {
			defer all.Done()
			status, _, _ := ask(t, url+"/v1/chat/completions", asChat(""))
			results <- status
		}()
	}
	until(t, func() bool { return server.limits.running() == 2 && server.limits.waiting.Load() == 1 })
	status, header, body := ask(t, url+"/v1/chat/completions", asChat(""))
	if status != 503 || header.Get("Retry-After") == "" || problemOf(t, body)["code"] != "queue_full" {
		t.Error(status, body)
	}
	text := scrape(t, url)
	for _, wanted := range []string{"ollama_requests_running 2", "ollama_requests_waiting 1", "ollama_slots 2",
		`ollama_requests_total{endpoint="chat",outcome="full"} 1`} {
		if !strings.Contains(text, wanted) {
			t.Error("missing", wanted)
		}
	}
	close(release)
	all.Wait()
	for range 3 {
		if status := <-results; status != 200 {
			t.Error(status)
		}
	}
	if text := scrape(t, url); !strings.Contains(text, "ollama_prompt_tokens_total 21") || !strings.Contains(text, "ollama_generation_tokens_total 6") {
		t.Error(text)
	}
}

func TestReadyFailsAtOnceAndRequestsAreServedUntilItDrains(t *testing.T) {
	server, _, url := served(t, 1, 1, chatModel)
	get := func(path string) int {
		answer, _ := http.Get(url + path)
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	if get("/ready") != 200 || get("/health") != 200 {
		t.Fatal("not ready")
	}
	server.Life.Leave()
	if status, _, _ := ask(t, url+"/v1/chat/completions", asChat("")); get("/ready") != 503 || get("/health") != 200 || status != 200 {
		t.Error("it does not linger")
	}
	server.Life.Drain()
	status, header, body := ask(t, url+"/v1/chat/completions", asChat(""))
	if status != 503 || header.Get("Retry-After") == "" || problemOf(t, body)["code"] != "shutting_down" {
		t.Error(status, body)
	}
	server.Life.Fail()
	if get("/health") != 500 {
		t.Error("it is well without its engine")
	}
}
