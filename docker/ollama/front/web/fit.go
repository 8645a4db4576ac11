package web

import (
	"context"

	"slm-ollama/engine"
)

// markers is more than the tokens that a tokenizer puts around a text: its beginning, its end and a space.
const markers = 4

// fit refuses a request whose prompt and max_tokens together exceed the context, where Ollama would cut the
// answer. A token has one byte at least, so a short prompt fits for sure. Of any other the tokens are counted,
// by reading it; the answer then finds it in the cache.
func (s *Server) fit(ctx context.Context, call *call) error {
	if call.options.MaxTokens == nil { // such an answer may end with the context
		return nil
	}
	answer := *call.options.MaxTokens
	bytes, known, err := call.bytes(ctx)
	if err != nil || known && bytes+markers+answer <= s.ContextLength {
		return err
	}
	prompt, err := count(ctx, call)
	if err != nil || prompt+answer <= s.ContextLength {
		return err
	}
	return refused("context_length_exceeded", "",
		"%d prompt tokens and %d for the answer exceed the context length of %d tokens: "+
			"shorten the prompt or lower max_tokens", prompt, answer, s.ContextLength)
}

// count is the number of tokens of the prompt. Ollama tells it with an answer only, so one token is generated.
func count(ctx context.Context, call *call) (int, error) {
	prompt := 0
	err := call.run(ctx, 1, func(piece engine.Piece) error {
		prompt = max(prompt, piece.Prompt)
		return nil
	})
	return prompt, err
}
