package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/ollama/ollama/api"
)

// ModelName is what the model is called inside Ollama; users know it by its public name only.
const ModelName = "slm"

// Client speaks Ollama's native API.
type Client struct {
	base string
	http *http.Client
}

// NewClient is for an Ollama on that port of 127.0.0.1.
func NewClient(port int) *Client {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 64,
		DisableCompression:  true,
	}
	return &Client{base: fmt.Sprintf("http://127.0.0.1:%d", port), http: &http.Client{Transport: transport}}
}

// Refusal is an error that Ollama answered with.
type Refusal struct {
	Status  int
	Message string
}

func (r *Refusal) Error() string { return fmt.Sprintf("ollama answered %d: %s", r.Status, r.Message) }

// Piece is a part of an answer.
type Piece struct {
	Text, Thinking string
	ToolCalls      []api.ToolCall
	Logprobs       []api.Logprob
	// Done marks the last piece, which alone has the fields below.
	Done      bool
	Reason    string
	Prompt    int
	Generated int
}

// Chat streams the answer to a conversation.
func (c *Client) Chat(ctx context.Context, request *api.ChatRequest, each func(Piece) error) error {
	return c.stream(ctx, "/api/chat", request, func(line []byte) error {
		var r api.ChatResponse
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		m := r.Message
		return each(Piece{m.Content, m.Thinking, m.ToolCalls, r.Logprobs, r.Done, r.DoneReason, r.PromptEvalCount, r.EvalCount})
	})
}

// Generate streams the continuation of a text.
func (c *Client) Generate(ctx context.Context, request *api.GenerateRequest, each func(Piece) error) error {
	return c.stream(ctx, "/api/generate", request, func(line []byte) error {
		var r api.GenerateResponse
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		return each(Piece{r.Response, r.Thinking, nil, r.Logprobs, r.Done, r.DoneReason, r.PromptEvalCount, r.EvalCount})
	})
}

// RenderedChat is how many bytes the chat template makes of a conversation, with nothing computed; false where
// there is more to read than text.
func (c *Client) RenderedChat(ctx context.Context, request api.ChatRequest) (int, bool, error) {
	request.DebugRenderOnly = true
	var answer api.ChatResponse
	err := c.call(ctx, http.MethodPost, "/api/chat", &request, &answer)
	return rendered(answer.DebugInfo, err)
}

// RenderedText is the same of a text with its suffix.
func (c *Client) RenderedText(ctx context.Context, request api.GenerateRequest) (int, bool, error) {
	request.DebugRenderOnly = true
	var answer api.GenerateResponse
	err := c.call(ctx, http.MethodPost, "/api/generate", &request, &answer)
	return rendered(answer.DebugInfo, err)
}

func rendered(info *api.DebugInfo, err error) (int, bool, error) {
	if err != nil || info == nil {
		return 0, false, err
	}
	return len(info.RenderedTemplate), info.ImageCount == 0, nil
}

// Embed computes embeddings.
func (c *Client) Embed(ctx context.Context, request *api.EmbedRequest) (*api.EmbedResponse, error) {
	answer := &api.EmbedResponse{}
	return answer, c.call(ctx, http.MethodPost, "/api/embed", request, answer)
}

// call asks for one JSON object.
func (c *Client) call(ctx context.Context, method, path string, request, answer any) error {
	body, err := c.open(ctx, method, path, request)
	if err != nil {
		return err
	}
	defer body.Close()
	return json.NewDecoder(body).Decode(answer)
}

// stream asks for JSON objects one after the other. An object with an error ends it.
func (c *Client) stream(ctx context.Context, path string, request any, each func([]byte) error) error {
	body, err := c.open(ctx, http.MethodPost, path, request)
	if err != nil {
		return err
	}
	defer body.Close()
	decoder := json.NewDecoder(body)
	for {
		var line json.RawMessage
		if err := decoder.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var failed struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(line, &failed) == nil && failed.Error != "" {
			return &Refusal{http.StatusInternalServerError, failed.Error}
		}
		if err := each(line); err != nil {
			return err
		}
	}
}

func (c *Client) open(ctx context.Context, method, path string, request any) (io.ReadCloser, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	call, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	call.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(call)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode < http.StatusBadRequest {
		return answer.Body, nil
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	var refusal struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(text, &refusal) != nil || refusal.Error == "" {
		refusal.Error = string(text)
	}
	return nil, &Refusal{answer.StatusCode, refusal.Error}
}
