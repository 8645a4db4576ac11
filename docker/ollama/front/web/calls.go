package web

import (
	"github.com/ollama/ollama/openai"
)

const (
	maxMessages  = 2048
	maxToolCalls = 128
)

// checkCalls bounds a conversation by its length and names the tool that a message answers, from one map:
// Ollama's own search of it is quadratic.
func (s *Server) checkCalls(messages []openai.Message) *Problem {
	// A message has one token at least.
	if most := min(maxMessages, s.ContextLength); len(messages) > most {
		return refused("invalid_value", "messages", "messages: %d are given, at most %d are allowed", len(messages), most)
	}
	names, calls := map[string]string{}, 0
	for _, message := range messages {
		calls += len(message.ToolCalls)
		for i := len(message.ToolCalls) - 1; i >= 0; i-- { // of equal ids in one message the first counts, as there
			names[message.ToolCalls[i].ID] = message.ToolCalls[i].Function.Name
		}
	}
	if calls > maxToolCalls {
		return refused("invalid_value", "messages.tool_calls",
			"messages: %d tool calls are given, at most %d are allowed", calls, maxToolCalls)
	}
	for i := range messages {
		message := &messages[i]
		if message.Role == "tool" && message.Name == "" && message.ToolCallID != "" {
			message.Name = names[message.ToolCallID]
			if message.Name == "" {
				message.ToolCallID = "" // an id that nobody gave names nothing; it would be searched for
			}
		}
	}
	return nil
}
