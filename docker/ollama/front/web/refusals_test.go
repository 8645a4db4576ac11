package web

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func until(t *testing.T, true func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !true(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come true")
		}
	}
}

func scrape(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, _ := io.ReadAll(answer.Body)
	return string(raw)
}

func TestWhatCannotBeAnsweredRightIsRefusedByName(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	for more, wanted := range map[string][2]string{
		`,"n":2`:                            {"unsupported_parameter", "n"},
		`,"logit_bias":{"5":1}`:             {"unsupported_parameter", "logit_bias"},
		`,"tool_choice":"required"`:         {"unsupported_parameter", "tool_choice"},
		`,"temperature":3`:                  {"invalid_value", "temperature"},
		`,"top_p":"x"`:                      {"invalid_value", "top_p"},
		`,"max_tokens":0`:                   {"invalid_value", "max_tokens"},
		`,"stop":["a","b","c","d","e"]`:     {"invalid_value", "stop"},
		`,"stop":[1]`:                       {"invalid_value", "stop"},
		`,"stream_options":{}`:              {"invalid_value", "stream_options"},
		`,"response_format":{"type":"xml"}`: {"invalid_value", "response_format"},
		`,"response_format":{"type":"json_schema","json_schema":{"name":"a"}}`: {"invalid_value", "response_format"},
		`,"messages":[]`: {"missing_field", "messages"},
		`,"messages":[{"role":"robot","content":"x"}]`:                                                                    {"invalid_value", "messages.role"},
		`,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}]`: {"unsupported_parameter", "messages.content"},
	} {
		status, _, body := ask(t, url+"/v1/chat/completions", asChat(more))
		if found := problemOf(t, body); status != 400 || found["code"] != wanted[0] || found["param"] != wanted[1] {
			t.Error(more, status, body)
		}
	}
	for body, wanted := range map[string]string{
		`[]`: "invalid_json", `{`: "invalid_json", `null`: "invalid_json", `{"messages":[]}`: "missing_field",
		`{"model":"other"}`: "model_not_found", `{"model":"smol","prompt":""}`: "empty_prompt",
		`{"model":"smol","prompt":[1,2]}`: "invalid_value",
	} {
		if _, _, answer := ask(t, url+"/v1/completions", body); problemOf(t, answer)["code"] != wanted {
			t.Error(body, answer)
		}
	}
	if len(native.seen) != 0 {
		t.Error("a refused request reached Ollama", native.paths)
	}
}

func TestToolsNeedATemplateWithAPlaceForThem(t *testing.T) {
	can := chatModel
	can.Tools = false
	_, _, url := served(t, 1, 1, can)
	tools := `,"tools":[{"type":"function","function":{"name":"time","parameters":{"type":"object","properties":{}}}}]`
	if status, _, body := ask(t, url+"/v1/chat/completions", asChat(tools)); status != 400 || problemOf(t, body)["param"] != "tools" {
		t.Error(status, body)
	}
	if status, _, body := ask(t, url+"/v1/chat/completions", asChat(tools+`,"tool_choice":"none"`)); status != 200 {
		t.Error(status, body)
	}
}

func TestAChatWithoutAChatTemplateIsRefused(t *testing.T) {
	can := chatModel
	can.NoTemplate = true
	_, _, url := served(t, 1, 1, can)
	if status, _, body := ask(t, url+"/v1/chat/completions", asChat("")); status != 400 || problemOf(t, body)["code"] != "no_chat_template" {
		t.Error(status, body)
	}
	if status, _, body := ask(t, url+"/v1/completions", `{"model":"smol","prompt":"a"}`); status != 200 {
		t.Error(status, body)
	}
}

func TestNothingOfOllamasOwnIsReachable(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	for _, path := range []string{
		"/api/tags", "/api/pull", "/api/delete", "/api/chat", "/", "/v1/responses", "/v1/models/../../api/tags",
		"//v1/chat/completions", "/v1/chat/completions/", "/V1/chat/completions", "/v1/%63hat/completions/x", "/api/blobs/sha256:0",
	} {
		for _, method := range []string{"GET", "POST", "DELETE", "HEAD"} {
			request, _ := http.NewRequest(method, url+path, strings.NewReader(asChat("")))
			answer, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != 404 {
				t.Error(method, path, answer.Status)
			}
		}
	}
	if len(native.paths) != 0 {
		t.Error(native.paths)
	}
}

func TestTheModelListShowsExactlyThePublicName(t *testing.T) {
	_, _, url := served(t, 1, 1, chatModel)
	for path, wanted := range map[string]int{"/v1/models": 200, "/v1/models/smol": 200, "/v1/models/slm": 404} {
		answer, _ := http.Get(url + path)
		raw, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != wanted || wanted == 200 && (strings.Count(string(raw), `"id"`) != 1 || !strings.Contains(string(raw), `"id":"smol"`)) {
			t.Error(path, answer.StatusCode, string(raw))
		}
	}
	answer, _ := http.Post(url+"/v1/models", "", nil)
	if answer.StatusCode != 405 {
		t.Error(answer.Status)
	}
}

func TestABodyThatIsTooLargeGets413(t *testing.T) {
	_, _, url := served(t, 1, 1, chatModel)
	status, _, body := ask(t, url+"/v1/completions", `{"model":"smol","prompt":"`+strings.Repeat("a", maxBody)+`"}`)
	if status != 413 || problemOf(t, body)["code"] != "body_too_large" {
		t.Error(status, body)
	}
}
