package web

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/ollama/ollama/api"

	"slm-ollama/engine"
)

// parseText turns the body of a text completion into the call that answers it. The prompt is continued as it
// is: Ollama's own route would put it into the chat template.
func (s *Server) parseText(given map[string]json.RawMessage) (*call, *Problem) {
	o, problem := s.parseOptions(given)
	if problem != nil {
		return nil, problem
	}
	if o.MaxTokens == nil {
		sixteen := min(defaultCompletion, s.ContextLength-1)
		o.MaxTokens = &sixteen
	}
	if problem := o.limit(o.MaxTokens, s.ContextLength); problem != nil {
		return nil, problem
	}
	if problem := refuseAny(onlyInChats, given, "is not supported here: use /v1/chat/completions"); problem != nil {
		return nil, problem
	}
	if !s.can.Chat {
		return nil, refused("unsupported_endpoint", "", "%s is an embedding model: use /v1/embeddings", s.Model)
	}
	var body struct {
		Suffix string `json:"suffix"`
	}
	if problem := decode(given, &body, "suffix"); problem != nil {
		return nil, problem
	}
	if body.Suffix != "" && !s.can.Insert {
		return nil, unsupported("suffix", "is not supported by this model: its template has no place for it")
	}
	prompt, problem := onePrompt(given["prompt"])
	if problem != nil {
		return nil, problem
	}
	streamed, no := true, false
	request := api.GenerateRequest{
		Model: engine.ModelName, Prompt: prompt, Suffix: body.Suffix, Raw: body.Suffix == "",
		Options: s.native(o), Stream: &streamed, Truncate: &no, Shift: &no,
		Think: &api.ThinkValue{Value: false},
	}
	run := func(ctx context.Context, only int, each func(engine.Piece) error) error {
		wanted := request
		wanted.Options = limitedOptions(request.Options, only)
		return s.Client.Generate(ctx, &wanted, each)
	}
	bytes := func(ctx context.Context) (int, bool, error) {
		if request.Raw {
			return len(request.Prompt), true, nil
		}
		return s.Client.RenderedText(ctx, request)
	}
	return &call{options: o, shape: textShape{}, run: run, bytes: bytes}, nil
}

func onePrompt(raw json.RawMessage) (string, *Problem) {
	var one string
	var many []string
	if json.Unmarshal(raw, &one) != nil {
		if json.Unmarshal(raw, &many) != nil || len(many) != 1 {
			return "", refused("invalid_value", "prompt", "prompt is one text: this engine takes no token ids and no lists")
		}
		one = many[0]
	}
	if one == "" {
		return "", refused("empty_prompt", "prompt", "the prompt has no tokens: send at least one")
	}
	return one, nil
}

// limitedOptions are the options, or with only > 0 a copy that generates so many tokens.
func limitedOptions(options map[string]any, only int) map[string]any {
	if only == 0 {
		return options
	}
	limited := maps.Clone(options)
	limited["num_predict"] = only
	return limited
}
