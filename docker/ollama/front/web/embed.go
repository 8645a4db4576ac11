package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/openai"

	"slm-ollama/engine"
)

// maxInputs is OpenAI's bound of one embeddings request.
const maxInputs = 2048

type embedCall struct {
	inputs     []string
	dimensions int
	base64     bool
}

func (s *Server) parseEmbed(given map[string]json.RawMessage) (*embedCall, *Problem) {
	var body struct {
		Model          string `json:"model"`
		Dimensions     int    `json:"dimensions"`
		EncodingFormat string `json:"encoding_format"`
	}
	if problem := decode(given, &body, "model", "dimensions", "encoding_format"); problem != nil {
		return nil, problem
	}
	if problem := s.checkModel(body.Model); problem != nil {
		return nil, problem
	}
	if !s.can.Embedding {
		return nil, refused("unsupported_endpoint", "", "%s is no embedding model: use /v1/chat/completions", s.Model)
	}
	if body.Dimensions < 0 {
		return nil, refused("invalid_value", "dimensions", "dimensions %d is less than 1", body.Dimensions)
	}
	if body.EncodingFormat != "" && body.EncodingFormat != "float" && body.EncodingFormat != "base64" {
		return nil, refused("invalid_value", "encoding_format", "encoding_format is float or base64")
	}
	inputs, problem := embedInputs(given["input"])
	return &embedCall{inputs, body.Dimensions, body.EncodingFormat == "base64"}, problem
}

func embedInputs(raw json.RawMessage) ([]string, *Problem) {
	var one string
	var many []string
	if json.Unmarshal(raw, &one) == nil {
		many = []string{one}
	} else if json.Unmarshal(raw, &many) != nil {
		return nil, refused("invalid_value", "input", "input is a text or a list of texts: this engine takes no token ids")
	}
	if len(many) == 0 || len(many) > maxInputs {
		return nil, refused("invalid_value", "input", "input has %d texts, 1 to %d are allowed", len(many), maxInputs)
	}
	for _, text := range many {
		if strings.TrimSpace(text) == "" {
			return nil, refused("empty_prompt", "input", "a text of input has no tokens: send at least one")
		}
	}
	return many, nil
}

// embeddings answers POST /v1/embeddings. A text beyond the context is refused, not cut.
func (s *Server) embeddings(w http.ResponseWriter, r *http.Request, record *record) *Problem {
	var wanted *embedCall
	problem := s.parsed(w, r, func(given map[string]json.RawMessage) (problem *Problem) {
		wanted, problem = s.parseEmbed(given)
		return problem
	})
	if problem != nil {
		return problem
	}
	leave, problem := s.enter(r.Context(), record)
	if problem != nil {
		return problem
	}
	defer leave()
	answer, err := s.embed(r.Context(), wanted)
	if r.Context().Err() != nil {
		record.cancelled = true
		return nil
	}
	if err != nil {
		return s.fromEngine(err, false)
	}
	record.usage(answer.PromptEvalCount, 0)
	record.pieceAt(time.Now(), s.metrics)
	format := "float"
	if wanted.base64 {
		format = "base64"
	}
	writeJSON(w, openai.ToEmbeddingList(s.Model, *answer, format))
	return nil
}

// embed sends the texts in portions of one a slot: Ollama starts all of a request at once.
func (s *Server) embed(ctx context.Context, wanted *embedCall) (*api.EmbedResponse, error) {
	no, whole := false, &api.EmbedResponse{}
	for portion := range slices.Chunk(wanted.inputs, cap(s.limits.slots)) {
		answer, err := s.Client.Embed(ctx, &api.EmbedRequest{
			Model: engine.ModelName, Input: portion, Truncate: &no, Dimensions: wanted.dimensions,
		})
		if err != nil {
			return nil, err
		}
		whole.Embeddings = append(whole.Embeddings, answer.Embeddings...)
		whole.PromptEvalCount += answer.PromptEvalCount
	}
	return whole, nil
}
