package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// countsTo makes the stub tell so many tokens of the prompt with whatever it answers.
func countsTo(prompt int) func(http.ResponseWriter, *http.Request) {
	end := fmt.Sprintf(`"done":true,"done_reason":"stop","prompt_eval_count":%d,"eval_count":1}`, prompt)
	return says(`{"message":{"role":"assistant","content":"x"},"response":"x",` + end + "\n")
}

// predicted are the limits of the answers that the stub was asked for, 0 where only the template was asked for.
func predicted(s *stub) []float64 {
	var limits []float64
	for _, body := range s.seen {
		limit, _ := body["options"].(map[string]any)["num_predict"].(float64)
		if body["_debug_render_only"] == true {
			limit = 0
		}
		limits = append(limits, limit)
	}
	return limits
}

func TestAPromptThatFitsForSureIsReadOnce(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel) // with a context of 100 tokens
	native.rendered = strings.Repeat("a", 46)
	ask(t, url+"/v1/chat/completions", asChat(`,"max_tokens":50`))
	ask(t, url+"/v1/completions", `{"model":"smol","prompt":"`+strings.Repeat("a", 80)+`"}`)
	if found := fmt.Sprint(predicted(native)); found != "[0 50 16]" {
		t.Error(found)
	}
}

func TestAPromptThatMayNotFitIsCountedAndThenAnswered(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	native.answer, native.rendered = countsTo(50), strings.Repeat("a", 47)
	if status, _, body := ask(t, url+"/v1/chat/completions", asChat(`,"max_tokens":50`)); status != 200 {
		t.Error(status, body)
	}
	prompt := strings.Repeat("a", 81)
	if status, _, body := ask(t, url+"/v1/completions", `{"model":"smol","prompt":"`+prompt+`"}`); status != 200 {
		t.Error(status, body)
	}
	if found := fmt.Sprint(predicted(native)); found != "[0 1 50 1 16]" {
		t.Error(found)
	}
}

func TestThePromptAndItsAnswerAreRefusedOneTokenBeyondTheContext(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	native.answer, native.rendered = countsTo(51), strings.Repeat("a", 90)
	for _, more := range []string{`,"max_tokens":50`, `,"max_completion_tokens":50,"stream":true`} {
		status, _, body := ask(t, url+"/v1/chat/completions", asChat(more))
		if found := problemOf(t, body); status != 400 || found["code"] != "context_length_exceeded" ||
			!strings.Contains(body, "51 prompt tokens and 50 for the answer exceed the context length of 100 tokens") {
			t.Error(status, body)
		}
	}
	if status, _, body := ask(t, url+"/v1/chat/completions", asChat(`,"max_tokens":49`)); status != 200 {
		t.Error(status, body)
	}
	if found := fmt.Sprint(predicted(native)); found != "[0 1 0 1 0 1 49]" {
		t.Error(found)
	}
}

func TestImagesAreCounted(t *testing.T) {
	can := chatModel
	can.Vision = true
	_, native, url := served(t, 1, 1, can)
	native.answer, native.rendered, native.images = countsTo(99), "[img-0]", 1
	status, _, body := ask(t, url+"/v1/chat/completions", asChat(`,"max_tokens":5`))
	if status != 400 || problemOf(t, body)["code"] != "context_length_exceeded" {
		t.Error(status, body)
	}
}

func TestAnAnswerWithoutALimitIsNotCounted(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	if status, _, body := ask(t, url+"/v1/chat/completions", asChat("")); status != 200 || len(native.seen) != 1 {
		t.Error(status, body, native.paths)
	}
}
