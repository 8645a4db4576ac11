package logs

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestAChildsLinesBecomeOursWithoutItsAccessLog(t *testing.T) {
	var out bytes.Buffer
	Configure(&out)
	defer Stdout()
	long := strings.Repeat("x", 3*lineLimit)
	Follow("ollama", strings.NewReader("level=WARN msg=careful\n[GIN] 200 | /api/chat\n\n"+long+"\nlast"))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 {
		t.Fatal(len(lines), out.String())
	}
	var first map[string]string
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil {
		t.Fatal(err)
	}
	if first["event"] != "ollama" || first["level"] != "warn" || first["line"] != "level=WARN msg=careful" || first["ts"] == "" {
		t.Fatal(first)
	}
	if len(lines[1]) > lineLimit+200 {
		t.Fatal("a long line is not cut")
	}
}

func TestALineThatShowsWhatAModelWroteIsLeftOut(t *testing.T) {
	var out bytes.Buffer
	Configure(&out)
	defer Stdout()
	Follow("ollama", strings.NewReader(`level=WARN msg="harmony parser: no message" x="s3cret"
level=WARN msg="tool call parsing failed" error="s3cret"
level=ERROR msg=failed content=s3cret
level=WARN msg="bad json" raw="s3cret"
level=INFO msg="runner started"
`))
	if text := out.String(); strings.Contains(text, "s3cret") || strings.Count(text, "\n") != 1 || !strings.Contains(text, "runner started") {
		t.Fatal(text)
	}
}
