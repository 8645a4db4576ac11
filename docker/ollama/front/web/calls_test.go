package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"slm-ollama/engine"
)

func conversation(messages string) string { return `{"model":"smol","messages":[` + messages + `]}` }

func calling(ids ...string) string {
	var calls []string
	for _, id := range ids {
		calls = append(calls, fmt.Sprintf(`{"id":%q,"type":"function","function":{"name":"of_%s","arguments":"{}"}}`, id, id))
	}
	return `{"role":"assistant","tool_calls":[` + strings.Join(calls, ",") + `]}`
}

func TestAConversationIsBoundedBeforeItIsConverted(t *testing.T) {
	server, native, url := served(t, 1, 1, chatModel)
	turn := `{"role":"user","content":"x"}`
	for body, wanted := range map[string][2]string{
		conversation(listOf(101, turn)):                               {"messages", "at most 100 are allowed"},
		conversation(calling(make([]string, 129)...)):                 {"messages.tool_calls", "at most 128 are allowed"},
		conversation(listOf(43, calling("a", "b", "c")) + "," + turn): {"messages.tool_calls", "129 tool calls"},
	} {
		status, _, answer := ask(t, url+"/v1/chat/completions", body)
		found := problemOf(t, answer)
		if status != 400 || found["param"] != wanted[0] || !strings.Contains(answer, wanted[1]) {
			t.Error(status, answer, wanted)
		}
	}
	if len(native.seen) != 0 {
		t.Error("a refused request reached Ollama")
	}
	if status, _, answer := ask(t, url+"/v1/chat/completions", conversation(listOf(100, turn))); status != 200 {
		t.Error(status, answer)
	}
	server.ContextLength = 1 << 20
	if _, _, answer := ask(t, url+"/v1/chat/completions", conversation(listOf(2049, turn))); !strings.Contains(answer, "at most 2048") {
		t.Error(answer)
	}
}

func TestAToolsAnswerIsNamedByItsCall(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	answer := `{"role":"tool","tool_call_id":"%s","content":"1"}`
	body := conversation(calling("a", "b") + "," + fmt.Sprintf(answer, "b") + "," + fmt.Sprintf(answer, "a") + "," + fmt.Sprintf(answer, "unknown"))
	if status, _, text := ask(t, url+"/v1/chat/completions", body); status != 200 {
		t.Fatal(status, text)
	}
	messages := native.last()["messages"].([]any)
	for i, wanted := range map[int]any{1: "of_b", 2: "of_a", 3: nil} {
		if found := messages[i].(map[string]any)["tool_name"]; found != wanted {
			t.Error(i, found, wanted)
		}
	}
}

func TestNoMoreBodiesAreParsedAtOnceThanCouldBeAdmitted(t *testing.T) {
	server, _, url := served(t, 1, 2, chatModel)
	for range 3 {
		server.limits.parsing <- struct{}{}
	}
	for _, path := range []string{"/v1/chat/completions", "/v1/completions", "/v1/embeddings"} {
		status, header, body := ask(t, url+path, asChat(""))
		if status != 503 || header.Get("Retry-After") == "" || problemOf(t, body)["code"] != "queue_full" {
			t.Error(path, status, body)
		}
	}
	for range 3 {
		<-server.limits.parsing
	}
	for range 4 { // each gives its place back
		if status, _, body := ask(t, url+"/v1/chat/completions", asChat("")); status != 200 {
			t.Fatal(status, body)
		}
	}
}

func TestAToolChoiceIsReadAndNotCompared(t *testing.T) {
	can := chatModel
	can.Tools = false
	_, _, url := served(t, 1, 1, can)
	tools := `,"tools":[{"type":"function","function":{"name":"time"}}]`
	if status, _, body := ask(t, url+"/v1/chat/completions", asChat(tools+`,"tool_choice":"n\u006fne"`)); status != 200 {
		t.Error(status, body)
	}
}

func TestEmbeddingsAreAskedForInPortionsOfOneASlot(t *testing.T) {
	_, native, url := served(t, 2, 1, engine.Abilities{Embedding: true})
	native.answer = func(w http.ResponseWriter, r *http.Request) {
		first := native.last()["input"].([]any)
		var all []string
		for _, text := range first {
			all = append(all, fmt.Sprintf("[%v]", text))
		}
		says(`{"embeddings":[`+strings.Join(all, ",")+`],"prompt_eval_count":3}`)(w, r)
	}
	status, _, body := ask(t, url+"/v1/embeddings", `{"model":"smol","input":["1","2","3","4","5"]}`)
	if status != 200 || len(native.seen) != 3 || !strings.Contains(body, `"prompt_tokens":9`) {
		t.Error(status, len(native.seen), body)
	}
	for i := range 5 {
		if !strings.Contains(body, fmt.Sprintf(`"embedding":[%d],"index":%d`, i+1, i)) {
			t.Error(i, body)
		}
	}
}
