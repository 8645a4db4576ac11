package web

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"slm-ollama/logs"
)

func TestWhatOllamaSaysOfAFailureIsLoggedAsAClassOnly(t *testing.T) {
	_, native, url := served(t, 1, 1, chatModel)
	var out bytes.Buffer
	logs.Configure(&out)
	defer logs.Configure(io.Discard)
	native.answer = fails(500, "error parsing tool call: raw='s3cret'")
	ask(t, url+"/v1/chat/completions", asChat(""))
	native.answer = says(line("one", ""), `{"error":"the runner died of s3cret"}`+"\n")
	ask(t, url+"/v1/chat/completions", asChat(`,"stream":true`))
	native.answer = says(`{"message":{"content":5,"s3cret":1}}` + "\n")
	ask(t, url+"/v1/chat/completions", asChat(""))
	native.answer = says(`{"message": s3cret` + "\n")
	ask(t, url+"/v1/chat/completions", asChat(""))
	text := out.String()
	for _, wanted := range []string{`"class":"parsing"`, `"class":"runner"`, `"status":500`, `"kind":"*json.`} {
		if !strings.Contains(text, wanted) {
			t.Error("missing", wanted, text)
		}
	}
	if strings.Contains(text, "s3cret") {
		t.Error(text)
	}
}
