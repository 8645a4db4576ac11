package web

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/openai"

	"slm-ollama/engine"
)

var chatNames = []string{
	"messages", "response_format", "tools", "reasoning", "reasoning_effort", "logprobs", "top_logprobs",
}

// parseChat turns a body into the call of Ollama's API that answers it, never truncated and never shifted.
func (s *Server) parseChat(given map[string]json.RawMessage) (*call, *Problem) {
	o, problem := s.parseOptions(given)
	if problem != nil {
		return nil, problem
	}
	if problem := refuseAny(onlyInTexts, given, "is not supported here: use /v1/completions"); problem != nil {
		return nil, problem
	}
	var body struct {
		MaxCompletionTokens *int `json:"max_completion_tokens"`
	}
	wanted := openai.ChatCompletionRequest{}
	if problem := decode(given, &wanted, chatNames...); problem != nil {
		return nil, problem
	}
	if problem := decode(given, &body, "max_completion_tokens"); problem != nil {
		return nil, problem
	}
	if body.MaxCompletionTokens == nil {
		body.MaxCompletionTokens = o.MaxTokens
	}
	if problem := o.limit(body.MaxCompletionTokens, s.ContextLength); problem != nil {
		return nil, problem
	}
	var choice string // a tool_choice that is no text was refused before
	_ = json.Unmarshal(given["tool_choice"], &choice)
	if problem := s.checkChat(&wanted, choice); problem != nil {
		return nil, problem
	}
	request, err := openai.FromChatRequest(wanted)
	if err != nil {
		return nil, refused("invalid_value", "messages", "%s", err)
	}
	streamed, no := true, false
	request.Model, request.Options = engine.ModelName, s.native(o)
	request.Stream, request.Truncate, request.Shift = &streamed, &no, &no
	run := func(ctx context.Context, only int, each func(engine.Piece) error) error {
		return s.Client.Chat(ctx, withLimit(request, only), each)
	}
	bytes := func(ctx context.Context) (int, bool, error) { return s.Client.RenderedChat(ctx, *request) }
	return &call{options: o, shape: chatShape{}, run: run, bytes: bytes, structured: request.Format != nil}, nil
}

// withLimit is the request, or a copy that generates only so many tokens.
func withLimit(request *api.ChatRequest, only int) *api.ChatRequest {
	if only == 0 {
		return request
	}
	limited := *request
	limited.Options = limitedOptions(request.Options, only)
	return &limited
}

func (s *Server) checkChat(wanted *openai.ChatCompletionRequest, toolChoice string) *Problem {
	if !s.can.Chat {
		return refused("unsupported_endpoint", "", "%s is an embedding model: use /v1/embeddings", s.Model)
	}
	if s.can.NoTemplate {
		return refused("no_chat_template", "", "this model has no chat template: use /v1/completions")
	}
	if len(wanted.Messages) == 0 {
		return refused("missing_field", "messages", "messages: at least one is needed")
	}
	if problem := s.checkCalls(wanted.Messages); problem != nil {
		return problem
	}
	if toolChoice == "none" {
		wanted.Tools = nil
	}
	if len(wanted.Tools) > 0 && !s.can.Tools {
		return unsupported("tools", "are not supported by this model: its template has no place for them")
	}
	for i := range wanted.Messages {
		if problem := s.checkMessage(&wanted.Messages[i]); problem != nil {
			return problem
		}
	}
	return checkFormat(wanted.ResponseFormat)
}

// checkMessage refuses unknown roles, which Ollama would take, and joins the texts of one message, of which
// Ollama would make several turns.
func (s *Server) checkMessage(message *openai.Message) *Problem {
	switch message.Role {
	case "system", "user", "assistant", "tool":
	case "developer": // OpenAI's newer name
		message.Role = "system"
	default:
		return refused("invalid_value", "messages.role", "a message's role is system, developer, user, assistant or tool")
	}
	parts, ok := message.Content.([]any)
	if !ok {
		if message.Content == nil && message.Role == "assistant" && message.ToolCalls == nil {
			message.Content = ""
		}
		return nil
	}
	var texts []string
	for _, part := range parts {
		fields, _ := part.(map[string]any)
		text, isText := fields["text"].(string)
		switch {
		case fields["type"] == "text" && isText:
			texts = append(texts, text)
		case fields["type"] == "image_url" && !s.can.Vision:
			return unsupported("messages.content", "with images is not supported by this model: it takes text")
		}
	}
	if len(texts) == len(parts) {
		message.Content = strings.Join(texts, "\n")
	}
	return nil
}

func checkFormat(format *openai.ResponseFormat) *Problem {
	if format == nil {
		return nil
	}
	switch format.Type {
	case "text", "json_object":
		return nil
	case "json_schema":
		if format.JsonSchema == nil || !strings.HasPrefix(string(format.JsonSchema.Schema), "{") {
			return refused("invalid_value", "response_format", "response_format: json_schema.schema is missing or no object")
		}
		if err := checkSchema(format.JsonSchema.Schema); err != nil {
			return refused("invalid_value", "response_format", "response_format: %s", err)
		}
		return nil
	}
	return refused("invalid_value", "response_format", "response_format: type is text, json_object or json_schema")
}
