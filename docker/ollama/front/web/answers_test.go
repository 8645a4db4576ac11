package web

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"slm-ollama/engine"
)

func TestAChatIsSentOnWithoutTruncationAndShift(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	status, header, body := ask(t, url+"/v1/chat/completions", asChat(`,"max_completion_tokens":9,"max_tokens":5,"Model":"x"`))
	if status != 200 || header.Get("X-Request-Id") == "" {
		t.Fatal(status, body)
	}
	sent := native.last()
	if sent["truncate"] != false || sent["shift"] != false || sent["model"] != engine.ModelName {
		t.Error(sent)
	}
	options := sent["options"].(map[string]any)
	if options["num_predict"] != 9.0 || options["temperature"] != 1.0 || options["top_p"] != 1.0 {
		t.Error(options)
	}
	var answer struct {
		Model   string
		Choices []struct {
			Message struct{ Content, Role string }
			Finish  string `json:"finish_reason"`
		}
		Usage map[string]int
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Model != "smol" || answer.Choices[0].Message.Content != "Hello" || answer.Choices[0].Finish != "stop" {
		t.Error(body)
	}
	if !reflect.DeepEqual(answer.Usage, map[string]int{"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}) {
		t.Error(answer.Usage)
	}
}

func TestTheModelsOwnParametersHoldUnlessTheRequestSaysOtherwise(t *testing.T) {
	can := chatModel
	can.Sets = map[string]bool{"temperature": true, "stop": true}
	can.Stops = []string{"<|im_end|>"}
	_, native, url := served(t, 1, 1, can)
	ask(t, url+"/v1/chat/completions", asChat(""))
	wanted := map[string]any{"num_ctx": 99.0, "top_p": 1.0, "top_k": 0.0, "repeat_penalty": 1.0}
	if options := native.last()["options"]; !reflect.DeepEqual(options, wanted) {
		t.Error(options)
	}
	can.Sets["top_k"], can.Sets["repeat_penalty"] = true, true
	ask(t, url+"/v1/completions", `{"model":"smol","prompt":"a"}`)
	wanted = map[string]any{"num_ctx": 99.0, "top_p": 1.0, "num_predict": 16.0}
	if options := native.last()["options"]; !reflect.DeepEqual(options, wanted) {
		t.Error(options)
	}
	ask(t, url+"/v1/chat/completions", asChat(`,"temperature":0,"stop":"X"`))
	options := native.last()["options"].(map[string]any)
	if options["temperature"] != 0.0 || !reflect.DeepEqual(options["stop"], []any{"X", "<|im_end|>"}) {
		t.Error(options)
	}
}

func TestATextCompletionContinuesThePromptAsItIs(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	native.answer = says(`{"response":" world","done":false}`+"\n", `{"response":"","done":true,"done_reason":"length","prompt_eval_count":3,"eval_count":16}`+"\n")
	status, _, body := ask(t, url+"/v1/completions", `{"model":"smol","prompt":["Hello"]}`)
	if status != 200 || !strings.Contains(body, `"text":" world"`) || !strings.Contains(body, `"finish_reason":"length"`) {
		t.Fatal(status, body)
	}
	sent := native.last()
	if sent["raw"] != true || sent["prompt"] != "Hello" || sent["shift"] != false || sent["options"].(map[string]any)["num_predict"] != 16.0 {
		t.Error(sent)
	}
}

func TestTextPartsOfOneMessageStayOneMessage(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	ask(t, url+"/v1/chat/completions", `{"model":"smol","messages":[{"role":"developer","content":"be"},`+
		`{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`)
	messages := native.last()["messages"].([]any)
	if len(messages) != 2 || messages[0].(map[string]any)["role"] != "system" || messages[1].(map[string]any)["content"] != "a\nb" {
		t.Error(messages)
	}
}

func TestAPromptBeyondTheContextGets400(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	native.answer = fails(400, "the input length exceeds the context length")
	for _, stream := range []string{"", `,"stream":true`} {
		status, _, body := ask(t, url+"/v1/chat/completions", asChat(stream))
		if found := problemOf(t, body); status != 400 || found["code"] != "context_length_exceeded" || !strings.Contains(body, "100 tokens") {
			t.Error(status, body)
		}
	}
	status, _, body := ask(t, url+"/v1/chat/completions", asChat(`,"max_tokens":100`))
	if found := problemOf(t, body); status != 400 || found["code"] != "context_length_exceeded" || found["param"] != "max_tokens" {
		t.Error(status, body)
	}
}

func TestAnAnswerThatOllamaBreaksOffEndsWithLengthAndUsage(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	native.answer = func(w http.ResponseWriter, r *http.Request) {
		if native.last()["options"].(map[string]any)["num_predict"] == 1.0 {
			says(line("a", done))(w, r)
			return
		}
		says(line("a", ""), line("a", ""), line("a", ""))(w, r)
	}
	_, _, body := ask(t, url+"/v1/chat/completions", asChat(`,"stream":true,"stream_options":{"include_usage":true}`))
	if !strings.Contains(body, `"finish_reason":"length"`) || !strings.Contains(body, "[DONE]") ||
		!strings.Contains(body, `"completion_tokens":3,"prompt_tokens":7,"total_tokens":10`) {
		t.Error(body)
	}
}
