package web

import (
	"strings"
	"testing"
)

// asText is the body of a text completion with these fields more.
func asText(more string) string { return `{"model":"smol","prompt":"hi"` + more + `}` }

func TestAFieldThatWouldChangeTheAnswerIsRefusedByNameOnEachRoute(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	for _, field := range []string{
		`"top_k":1`, `"min_p":0.5`, `"repetition_penalty":1.5`, `"repeat_penalty":1.1`, `"min_tokens":5`,
		`"ignore_eos":true`, `"guided_json":{"type":"object"}`, `"structured_outputs":{"json":{}}`,
		`"options":{"num_ctx":4096}`, `"format":"json"`, `"stop_token_ids":[2]`, `"think":true`,
		`"best_of":2`, `"echo":true`, `"chat_template":"x"`, `"n":2`, `"logit_bias":{"5":1}`, `"top_k":"1"`,
	} {
		name := strings.Split(field, `"`)[1]
		for path, body := range map[string]string{
			"/v1/chat/completions": asChat("," + field), "/v1/completions": asText("," + field),
		} {
			status, _, answer := ask(t, url+path, body)
			found := problemOf(t, answer)
			if status != 400 || found["code"] != "unsupported_parameter" || found["param"] != name ||
				found["message"] != name+" is not supported by this engine: leave it out" {
				t.Error(path, field, status, answer)
			}
		}
	}
	if len(native.seen) != 0 {
		t.Error("a refused request reached Ollama", native.paths)
	}
}

func TestAFieldOfTheOtherRouteIsRefused(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	for _, field := range []string{
		`"logprobs":1`, `"logprobs":0`, `"logprobs":true`, `"top_logprobs":2`, `"response_format":{"type":"json_object"}`,
		`"tools":[{"type":"function","function":{"name":"time"}}]`,
	} {
		status, _, answer := ask(t, url+"/v1/completions", asText(","+field))
		found := problemOf(t, answer)
		if status != 400 || found["code"] != "unsupported_parameter" || found["param"] != strings.Split(field, `"`)[1] {
			t.Error(field, status, answer)
		}
	}
	status, _, answer := ask(t, url+"/v1/chat/completions", asChat(`,"suffix":"x"`))
	if found := problemOf(t, answer); status != 400 || found["param"] != "suffix" {
		t.Error(status, answer)
	}
	if len(native.seen) != 0 {
		t.Error("a refused request reached Ollama", native.paths)
	}
}

func TestAValueThatAsksNothingIsTaken(t *testing.T) {
	_, _, url := served(t, 1, 1, chatModel)
	for _, field := range []string{
		`"n":1`, `"top_k":-1`, `"top_k":0`, `"min_p":0.0`, `"min_p":0`, `"repetition_penalty":1.0`, `"min_tokens":0`,
		`"ignore_eos":false`, `"stop_token_ids":[ ]`, `"options":{}`, `"guided_json":null`, `"think":null`,
		`"logprobs":false`, `"top_logprobs":0`, `"tools":[]`, `"response_format": { "type" : "text" }`, `"suffix":""`,
		`"logprobs":null`, `"user":"u"`, `"metadata":{"a":"b"}`, `"store":true`, `"keep_alive":"5m"`, `"x_whatever":1`,
	} {
		for path, body := range map[string]string{
			"/v1/chat/completions": asChat("," + field), "/v1/completions": asText("," + field),
		} {
			if status, _, answer := ask(t, url+path, body); status != 200 {
				t.Error(path, field, status, answer)
			}
		}
	}
}
