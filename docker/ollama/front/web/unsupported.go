package web

import (
	"encoding/json"
	"reflect"
)

// field is one that would change an answer and is not supported, with the values that ask nothing, in JSON.
type field struct {
	name     string
	harmless string
}

// everywhere are OpenAI's fields that no route has here, then those of other engines (vLLM, llama.cpp, Ollama's
// own API): a client that comes from one of them must notice. The ONNX server has the same list.
var everywhere = []field{
	{"n", `[1]`},
	{"functions", `[[]]`},
	{"function_call", `["none", "auto"]`},
	{"tool_choice", `["none", "auto"]`},
	{"logit_bias", `[{}]`},
	{"modalities", `[["text"]]`},
	{"audio", `[]`},
	{"prediction", `[]`},
	{"web_search_options", `[]`},
	{"verbosity", `["medium"]`},
	{"echo", `[false]`},
	{"best_of", `[1]`},

	{"top_k", `[-1, 0]`},
	{"min_p", `[0]`},
	{"typical_p", `[1]`},
	{"repetition_penalty", `[1]`},
	{"repeat_penalty", `[1]`},
	{"length_penalty", `[1]`},
	{"min_tokens", `[0]`},
	{"stop_token_ids", `[[]]`},
	{"bad_words", `[[]]`},
	{"ignore_eos", `[false]`},
	{"use_beam_search", `[false]`},
	{"logits_processors", `[[]]`},
	{"prompt_logprobs", `[false]`},
	{"guided_json", `[]`},
	{"guided_regex", `[]`},
	{"guided_choice", `[]`},
	{"guided_grammar", `[]`},
	{"structured_outputs", `[]`},
	{"grammar", `[]`},
	{"json_schema", `[]`},
	{"format", `[""]`},
	{"options", `[{}]`},
	{"think", `[]`},
	{"chat_template", `[]`},
	{"chat_template_kwargs", `[{}]`},
	{"continue_final_message", `[false]`},
}

// onlyInChats and onlyInTexts are fields that the other route of the two has.
var (
	onlyInChats = []field{
		{"tools", `[[]]`},
		{"response_format", `[{"type": "text"}]`},
		{"logprobs", `[false]`},
		{"top_logprobs", `[0]`},
	}
	onlyInTexts = []field{{"suffix", `[""]`}}
)

// refuseAny names the first of the fields that asks something.
func refuseAny(fields []field, given map[string]json.RawMessage, why string) *Problem {
	for _, each := range fields {
		if value, ok := given[each.name]; ok && !asksNothing(value, each.harmless) {
			return unsupported(each.name, why)
		}
	}
	return nil
}

func asksNothing(value json.RawMessage, among string) bool {
	var given any
	var values []any
	if json.Unmarshal(value, &given) != nil || json.Unmarshal([]byte(among), &values) != nil {
		return false
	}
	for _, each := range values {
		if reflect.DeepEqual(given, each) {
			return true
		}
	}
	return false
}
