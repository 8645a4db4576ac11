package web

import (
	"encoding/json"
	"strconv"

	"slm-ollama/engine"
)

const (
	maxStops    = 4
	maxStopSize = 256
	// defaultCompletion is OpenAI's max_tokens of a text completion.
	defaultCompletion = 16
)

var optionNames = []string{
	"model", "max_tokens", "temperature", "top_p", "seed", "stop", "presence_penalty", "frequency_penalty",
	"stream", "stream_options",
}

// options is what chat and text completions share. Limits and defaults are OpenAI's.
type options struct {
	Model            string          `json:"model"`
	MaxTokens        *int            `json:"max_tokens"`
	Temperature      *float64        `json:"temperature"`
	TopP             *float64        `json:"top_p"`
	Seed             *int            `json:"seed"`
	Stop             json.RawMessage `json:"stop"`
	PresencePenalty  *float64        `json:"presence_penalty"`
	FrequencyPenalty *float64        `json:"frequency_penalty"`
	Stream           bool            `json:"stream"`
	StreamOptions    *struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`

	stops []string
}

func (s *Server) parseOptions(given map[string]json.RawMessage) (*options, *Problem) {
	o := &options{}
	if problem := decode(given, o, optionNames...); problem != nil {
		return nil, problem
	}
	if problem := s.checkModel(o.Model); problem != nil {
		return nil, problem
	}
	for _, each := range []struct {
		name      string
		value     *float64
		low, high float64
	}{
		{"temperature", o.Temperature, 0, 2},
		{"top_p", o.TopP, 0, 1},
		{"presence_penalty", o.PresencePenalty, -2, 2},
		{"frequency_penalty", o.FrequencyPenalty, -2, 2},
	} {
		if each.value != nil && (*each.value < each.low || *each.value > each.high) {
			shown := strconv.FormatFloat(*each.value, 'g', -1, 64)
			return nil, refused("invalid_value", each.name, "%s %s is not in %g..%g", each.name, shown, each.low, each.high)
		}
	}
	if o.StreamOptions != nil && !o.Stream {
		return nil, refused("invalid_value", "stream_options",
			"stream_options needs stream = true: set it or leave this out")
	}
	return o, o.parseStops()
}

// limit sets max_tokens, and refuses what can never fit with a prompt beside it.
func (o *options) limit(tokens *int, contextLength int) *Problem {
	o.MaxTokens = tokens
	switch {
	case tokens == nil:
		return nil
	case *tokens < 1:
		return refused("invalid_value", "max_tokens", "max_tokens %d is less than 1", *tokens)
	case *tokens >= contextLength:
		return refused("context_length_exceeded", "max_tokens",
			"%d tokens for the answer and a prompt exceed the context length of %d tokens: lower max_tokens",
			*tokens, contextLength)
	}
	return nil
}

func (o *options) parseStops() *Problem {
	if o.Stop == nil {
		return nil
	}
	var one string
	if json.Unmarshal(o.Stop, &one) == nil {
		o.stops = []string{one}
	} else if json.Unmarshal(o.Stop, &o.stops) != nil {
		return refused("invalid_value", "stop", "stop is neither a text nor a list of texts")
	}
	if len(o.stops) > maxStops {
		return refused("invalid_value", "stop", "stop has %d texts, at most %d are allowed", len(o.stops), maxStops)
	}
	for _, text := range o.stops {
		if text == "" || len(text) > maxStopSize {
			return refused("invalid_value", "stop", "a stop text has 1 to %d bytes", maxStopSize)
		}
	}
	return nil
}

// native are Ollama's options: what the request sets, else what the model's own Modelfile sets, else OpenAI's.
func (s *Server) native(o *options) map[string]any {
	chosen := map[string]any{"num_ctx": engine.Context(s.ContextLength)}
	for name, fallback := range map[string]float64{
		"temperature": 1, "top_p": 1, "top_k": 0, "repeat_penalty": 1, // 0.8, 0.9, 40 and 1.1 in Ollama
	} {
		if !s.can.Sets[name] {
			chosen[name] = fallback
		}
	}
	for name, value := range map[string]*float64{
		"temperature": o.Temperature, "top_p": o.TopP,
		"presence_penalty": o.PresencePenalty, "frequency_penalty": o.FrequencyPenalty,
	} {
		if value != nil {
			chosen[name] = *value
		}
	}
	if o.MaxTokens != nil {
		chosen["num_predict"] = *o.MaxTokens
	}
	if o.Seed != nil {
		chosen["seed"] = *o.Seed
	}
	if len(o.stops) > 0 {
		// A request's own would replace the model's, and the answer would run into the next turn.
		chosen["stop"] = append(o.stops, s.can.Stops...)
	}
	return chosen
}
