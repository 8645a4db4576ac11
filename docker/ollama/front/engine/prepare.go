package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/types/model"

	"slm-ollama/store"
)

// Abilities are what the model can do, and what its Modelfile and its template set.
type Abilities struct {
	Chat, Embedding, Tools, Vision, Insert bool
	// NoTemplate is true where Ollama knows no chat template and would send the bare words on.
	NoTemplate bool
	// Sets tells which parameters have a value of the model's own.
	Sets map[string]bool
	// Stops end every answer; a request adds to them.
	Stops []string
}

// Prepare waits for Ollama, creates the model and loads it with one token generated, so that the first
// request finds everything in memory. It refuses a context length other than the one asked for.
func Prepare(ctx context.Context, client *Client, model *store.Model, contextLength int) (Abilities, error) {
	if err := client.answers(ctx); err != nil {
		return Abilities{}, err
	}
	began := time.Now()
	request := model.Request
	request.Model = ModelName
	done := func([]byte) error { return nil }
	if err := client.stream(ctx, "/api/create", &request, done); err != nil {
		return Abilities{}, fmt.Errorf("the model cannot be created: %w", err)
	}
	can, err := client.abilities(ctx)
	if err != nil {
		return can, err
	}
	if err := client.warm(ctx, can, contextLength); err != nil {
		return can, fmt.Errorf("the model cannot be loaded: %w", err)
	}
	slog.Info("model loaded", "s", time.Since(began).Round(10*time.Millisecond).Seconds())
	return can, client.checkContext(ctx, can, contextLength)
}

// Context is what Ollama is to be told, so that a prompt and its answer have contextLength tokens together: it
// counts what it reads, and it does not read the last token that it says. Another value in one request than in
// the one before would load the model again.
func Context(contextLength int) int { return contextLength - 1 }

func (c *Client) answers(ctx context.Context) error {
	for {
		var version struct{ Version string }
		err := c.call(ctx, http.MethodGet, "/api/version", nil, &version)
		if err == nil {
			slog.Info("ollama answers", "version", version.Version)
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *Client) abilities(ctx context.Context) (Abilities, error) {
	var shown api.ShowResponse
	if err := c.call(ctx, http.MethodPost, "/api/show", api.ShowRequest{Model: ModelName}, &shown); err != nil {
		return Abilities{}, err
	}
	has := func(which model.Capability) bool { return slices.Contains(shown.Capabilities, which) }
	slog.Info("model created", "capabilities", shown.Capabilities, "family", shown.Details.Family)
	sets, stops := parameters(shown.Parameters)
	return Abilities{
		Chat:      has(model.CapabilityCompletion),
		Embedding: has(model.CapabilityEmbedding),
		Tools:     has(model.CapabilityTools),
		Vision:    has(model.CapabilityVision),
		Insert:    has(model.CapabilityInsert),
		// Ollama's own template where it found none.
		NoTemplate: shown.Renderer == "" && strings.TrimSpace(shown.Template) == "{{ .Prompt }}",
		Sets:       sets,
		Stops:      stops,
	}, nil
}

func (c *Client) warm(ctx context.Context, can Abilities, contextLength int) error {
	if !can.Chat {
		_, err := c.Embed(ctx, &api.EmbedRequest{Model: ModelName, Input: "a"})
		return err
	}
	return c.Generate(ctx, &api.GenerateRequest{
		Model: ModelName, Prompt: "a", Raw: true, Options: map[string]any{"num_predict": 1, "num_ctx": Context(contextLength)},
	}, func(Piece) error { return nil })
}

func (c *Client) checkContext(ctx context.Context, can Abilities, wanted int) error {
	var running api.ProcessResponse
	if err := c.call(ctx, http.MethodGet, "/api/ps", nil, &running); err != nil {
		return err
	}
	told := wanted
	if can.Chat {
		told = Context(wanted)
	}
	for _, each := range running.Models {
		// Ollama gives a model that sees images 2048 tokens at least.
		if each.ContextLength != told && each.ContextLength != wanted {
			return fmt.Errorf("the model is loaded with a context of %d tokens instead of %d: the weights allow no more; set contextLength to that", each.ContextLength, wanted)
		}
	}
	return nil
}

// parameters reads the lines `name  value` that Ollama shows.
func parameters(shown string) (sets map[string]bool, stops []string) {
	sets = map[string]bool{}
	for line := range strings.Lines(shown) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		sets[name] = name != ""
		if text, err := strconv.Unquote(strings.TrimSpace(value)); name == "stop" && err == nil {
			stops = append(stops, text)
		}
	}
	return sets, stops
}
