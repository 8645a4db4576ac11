package web

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/openai"

	"slm-ollama/engine"
)

// object is JSON in the making.
type object = map[string]any

// shape is the form of an answer: that of a chat or that of a text completion.
type shape interface {
	prefix() string
	kinds() (whole, chunk string)
	// choice of a whole answer.
	choice(answer *answer) object
	// delta is the choice of a chunk, or nil where the piece has nothing to show.
	delta(piece engine.Piece, first bool) object
}

// answer is what an answer was so far.
type answer struct {
	text, thinking strings.Builder
	tools          []api.ToolCall
	logprobs       []api.Logprob
	finish         string
	ended          bool
	prompt         int
	generated      int
	pieces         int
}

func (a *answer) add(piece engine.Piece) {
	a.text.WriteString(piece.Text)
	a.thinking.WriteString(piece.Thinking)
	a.tools = append(a.tools, piece.ToolCalls...)
	a.logprobs = append(a.logprobs, piece.Logprobs...)
	a.pieces++
	if piece.Done {
		a.ended = true
		a.end(piece.Reason, piece.Prompt, piece.Generated)
	}
}

func (a *answer) end(reason string, prompt, generated int) {
	a.finish, a.prompt, a.generated = "stop", prompt, generated
	if reason == "length" {
		a.finish = "length"
	}
	if len(a.tools) > 0 {
		a.finish = "tool_calls"
	}
}

func (a *answer) usage() object {
	return object{
		"prompt_tokens": a.prompt, "completion_tokens": a.generated, "total_tokens": a.prompt + a.generated,
	}
}

// envelope is what all chunks of an answer have in common.
type envelope struct {
	shape   shape
	id      string
	created int64
	model   string
}

func newEnvelope(shape shape, model string) envelope {
	random := make([]byte, 12)
	_, _ = rand.Read(random)
	return envelope{shape, shape.prefix() + hex.EncodeToString(random), time.Now().Unix(), model}
}

func (e envelope) around(kind string, choices ...object) object {
	if choices == nil {
		choices = []object{}
	}
	return object{"id": e.id, "object": kind, "created": e.created, "model": e.model, "choices": choices}
}

func (e envelope) whole(answer *answer) object {
	kind, _ := e.shape.kinds()
	made := e.around(kind, e.shape.choice(answer))
	made["usage"] = answer.usage()
	return made
}

func (e envelope) chunk(choices ...object) object {
	_, kind := e.shape.kinds()
	return e.around(kind, choices...)
}

func choice(field string, value, logprobs, finish any) object {
	return object{"index": 0, field: value, "logprobs": logprobs, "finish_reason": finish}
}

func logprobs(of []api.Logprob) any {
	if len(of) == 0 {
		return nil
	}
	return openai.ChoiceLogprobs{Content: of}
}

type chatShape struct{}

func (chatShape) prefix() string { return "chatcmpl-" }

func (chatShape) kinds() (string, string) { return "chat.completion", "chat.completion.chunk" }

func (chatShape) choice(a *answer) object {
	message := object{"role": "assistant", "content": a.text.String()}
	if a.thinking.Len() > 0 {
		message["reasoning"] = a.thinking.String()
	}
	if len(a.tools) > 0 {
		message["tool_calls"] = openai.ToToolCalls(a.tools)
	}
	return choice("message", message, logprobs(a.logprobs), a.finish)
}

func (chatShape) delta(piece engine.Piece, first bool) object {
	delta := object{}
	if piece.Text != "" || first {
		delta["content"] = piece.Text
	}
	if first { // only there: clients join what they get
		delta["role"] = "assistant"
	}
	if piece.Thinking != "" {
		delta["reasoning"] = piece.Thinking
	}
	if len(piece.ToolCalls) > 0 {
		delta["tool_calls"] = openai.ToToolCalls(piece.ToolCalls)
	}
	if len(delta) == 0 && len(piece.Logprobs) == 0 {
		return nil
	}
	return choice("delta", delta, logprobs(piece.Logprobs), nil)
}

type textShape struct{}

func (textShape) prefix() string { return "cmpl-" }

func (textShape) kinds() (string, string) { return "text_completion", "text_completion" }

func (textShape) choice(a *answer) object { return choice("text", a.text.String(), nil, a.finish) }

func (textShape) delta(piece engine.Piece, _ bool) object {
	if piece.Text == "" {
		return nil
	}
	return choice("text", piece.Text, nil, nil)
}

// last is the choice of the chunk that ends an answer.
func last(shape shape, finish string) object {
	if _, isText := shape.(textShape); isText {
		return choice("text", "", nil, finish)
	}
	return choice("delta", object{}, nil, finish)
}
