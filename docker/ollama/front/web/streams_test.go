package web

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"slm-ollama/engine"
)

func TestEachPieceLeavesWhenItIsThere(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	more := make(chan struct{})
	native.answer = func(w http.ResponseWriter, r *http.Request) {
		says(line("one", ""))(w, r)
		<-more
		says(line("two", ""), line("", done))(w, r)
	}
	answer, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(asChat(`,"stream":true`)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	scanner := bufio.NewScanner(answer.Body)
	for scanner.Scan() && !strings.Contains(scanner.Text(), "one") {
	}
	close(more) // the second is made only after the first has come
	var rest strings.Builder
	for scanner.Scan() {
		rest.WriteString(scanner.Text())
	}
	if answer.Header.Get("Content-Type") != "text/event-stream" || !strings.Contains(rest.String(), "two") ||
		!strings.HasSuffix(rest.String(), "data: [DONE]") || strings.Contains(rest.String(), `"role"`) {
		t.Error(rest.String())
	}
}

func TestToolCallsKeepOpenAIsForm(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	tool := `{"message":{"role":"assistant","content":"","tool_calls":[{"id":"call_1","function":{"index":0,"name":"time","arguments":{"zone":"UTC"}}}]}}` + "\n"
	native.answer = says(tool, line("", done))
	body := asChat(`,"tools":[{"type":"function","function":{"name":"time","description":"","parameters":{"type":"object","properties":{}}}}]`)
	_, _, text := ask(t, url+"/v1/chat/completions", body)
	if !strings.Contains(text, `"finish_reason":"tool_calls"`) || !strings.Contains(text, `"arguments":"{\"zone\":\"UTC\"}"`) {
		t.Error(text)
	}
}

func TestAClientThatLeavesEndsTheRequestInOllama(t *testing.T) {
	server, native, url := served(t, 1, 1, chatModel)
	ended := make(chan struct{})
	native.answer = func(w http.ResponseWriter, r *http.Request) {
		says(line("one", ""))(w, r)
		<-r.Context().Done()
		close(ended)
	}
	ctx, leave := context.WithCancel(context.Background())
	request, _ := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(asChat("")))
	time.AfterFunc(100*time.Millisecond, leave)
	if _, err := http.DefaultClient.Do(request); err == nil {
		t.Fatal("answered")
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("Ollama goes on")
	}
	until(t, func() bool { return server.limits.running() == 0 })
	until(t, func() bool {
		return strings.Contains(scrape(t, url), `ollama_requests_total{endpoint="chat",outcome="cancelled"} 1`)
	})
}

func TestAnErrorInTheMiddleOfAStreamIsToldInTheStream(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	native.answer = says(line("one", ""), `{"error":"the runner died of a prompt"}`+"\n")
	_, _, body := ask(t, url+"/v1/chat/completions", asChat(`,"stream":true`))
	if !strings.Contains(body, `"code":"engine_failed"`) || strings.Contains(body, "runner") || strings.Contains(body, "[DONE]") {
		t.Error(body)
	}
}

func TestEmbeddingsAreForEmbeddingModels(t *testing.T) {
	_, native, url := served(t, 1, 1, engine.Abilities{Embedding: true})
	native.answer = says(`{"embeddings":[[0.5,1]],"prompt_eval_count":3}`)
	status, _, body := ask(t, url+"/v1/embeddings", `{"model":"smol","input":"text"}`)
	if status != 200 || !strings.Contains(body, `"embedding":[0.5,1]`) || !strings.Contains(body, `"prompt_tokens":3`) {
		t.Error(status, body)
	}
	if sent := native.last(); sent["truncate"] != false {
		t.Error(sent)
	}
	status, _, body = ask(t, url+"/v1/chat/completions", asChat(""))
	if status != 400 || problemOf(t, body)["code"] != "unsupported_endpoint" {
		t.Error(status, body)
	}
}

func TestUsageIsNullInEachChunkButTheLastWhereItIsAskedFor(t *testing.T) {
	_, _, url := served(t, 1, 1, chatModel)
	_, _, body := ask(t, url+"/v1/chat/completions", asChat(`,"stream":true,"stream_options":{"include_usage":true}`))
	chunks := strings.Split(strings.TrimSuffix(body, "\n\ndata: [DONE]\n\n"), "\n\n")
	for _, chunk := range chunks[:len(chunks)-1] {
		if !strings.HasPrefix(chunk, ": ") && !strings.Contains(chunk, `"usage":null`) {
			t.Error(chunk)
		}
	}
	if last := chunks[len(chunks)-1]; !strings.Contains(last, `"choices":[]`) || !strings.Contains(last, `"total_tokens":9`) {
		t.Error(last)
	}
}

func TestTheUsageOfAStreamIsACommentWhereItIsNotAskedFor(t *testing.T) {
	_, _, url := served(t, 1, 1, chatModel)
	_, _, body := ask(t, url+"/v1/chat/completions", asChat(`,"stream":true`))
	note := `: {"usage":{"completion_tokens":2,"prompt_tokens":7,"total_tokens":9}}` + "\n\n"
	before, after, found := strings.Cut(body, note)
	if !found || strings.Contains(before+after, `"usage"`) || !strings.Contains(after, `"finish_reason":"stop"`) {
		t.Error(body)
	}
}
