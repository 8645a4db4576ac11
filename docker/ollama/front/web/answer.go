package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"slm-ollama/engine"
)

// writeSeconds is how long a client may take to accept a chunk before its slot is given to another.
const writeSeconds = 60

var errClientGone = errors.New("the client left")

// call is a request that was checked and turned into one of Ollama's.
type call struct {
	options    *options
	shape      shape
	structured bool
	// run streams the answer; with only > 0 it generates so many tokens.
	run func(ctx context.Context, only int, each func(engine.Piece) error) error
	// bytes are those of the prompt; false where it has more than text.
	bytes func(ctx context.Context) (int, bool, error)
}

// generate answers a chat or a text completion.
func (s *Server) generate(w http.ResponseWriter, r *http.Request, record *record, parse parser) *Problem {
	var call *call
	problem := s.parsed(w, r, func(given map[string]json.RawMessage) (problem *Problem) {
		call, problem = parse(given)
		return problem
	})
	if problem != nil {
		return problem
	}
	record.stream = call.options.Stream
	leave, problem := s.enter(r.Context(), record)
	if problem != nil {
		return problem
	}
	defer leave()
	options := call.options
	out := &output{w: w, envelope: newEnvelope(call.shape, s.Model), stream: options.Stream}
	out.usage = options.StreamOptions != nil && options.StreamOptions.IncludeUsage
	answer := &answer{}
	err := s.run(r.Context(), call, answer, func(piece engine.Piece) error {
		record.pieceAt(time.Now(), s.metrics)
		return out.piece(piece)
	})
	record.usage(answer.prompt, answer.generated)
	if r.Context().Err() != nil || errors.Is(err, errClientGone) {
		record.cancelled = true
		record.usage(answer.prompt, answer.pieces)
		return nil
	}
	if err != nil {
		problem := s.fromEngine(err, call.structured)
		if !out.begun {
			return problem
		}
		record.status, record.code = problem.Status, problem.Code
		out.event(problem.body())
		return nil
	}
	out.finish(answer)
	return nil
}

// run has a request answered, piece by piece.
func (s *Server) run(ctx context.Context, call *call, answer *answer, each func(engine.Piece) error) error {
	if err := s.fit(ctx, call); err != nil {
		return err
	}
	err := call.run(ctx, 0, func(piece engine.Piece) error {
		answer.add(piece)
		return each(piece)
	})
	if err == nil && !answer.ended {
		return cut(ctx, call, answer)
	}
	return err
}

// cut ends an answer that Ollama broke off: it does so, without a word, after one token came 30 times. The
// tokens of the prompt are asked for again, which is cheap: they are in the cache.
func cut(ctx context.Context, call *call, answer *answer) error {
	slog.Info("answer cut off", "reason", "ollama ends an answer that repeats one token 30 times")
	prompt, err := count(ctx, call)
	answer.end("length", prompt, answer.pieces)
	return err
}

// output writes an answer, whole or in chunks that leave at once.
type output struct {
	w        http.ResponseWriter
	envelope envelope
	stream   bool
	usage    bool
	begun    bool
}

func (o *output) piece(piece engine.Piece) error {
	if !o.stream {
		return nil
	}
	delta := o.envelope.shape.delta(piece, !o.begun)
	if delta == nil {
		return nil
	}
	return o.send(o.envelope.chunk(delta), nil)
}

func (o *output) finish(answer *answer) {
	if !o.stream {
		writeJSON(o.w, o.envelope.whole(answer))
		return
	}
	o.note(answer)
	_ = o.send(o.envelope.chunk(last(o.envelope.shape, answer.finish)), nil)
	if o.usage {
		_ = o.send(o.envelope.chunk(), answer.usage())
	}
	_ = o.event([]byte("[DONE]"))
}

// note writes a comment, which clients of server-sent events skip: for the gateway, which counts tokens by key. It
// leaves with the event behind it, the one that ends the answer.
func (o *output) note(answer *answer) {
	body, err := json.Marshal(object{"usage": answer.usage()})
	if err != nil {
		return
	}
	o.begin()
	_, _ = o.w.Write(append(append([]byte(": "), body...), "\n\n"...))
}

// send writes a chunk. With usage asked for, OpenAI has it null in each but the last.
func (o *output) send(chunk, usage object) error {
	if o.usage {
		chunk["usage"] = usage
	}
	body, err := json.Marshal(chunk)
	if err != nil {
		return err
	}
	return o.event(body)
}

func (o *output) begin() {
	if !o.begun {
		o.begun = true
		o.w.Header().Set("Content-Type", "text/event-stream")
		o.w.Header().Set("Cache-Control", "no-cache")
	}
}

func (o *output) event(data []byte) error {
	o.begin()
	control := http.NewResponseController(o.w)
	_ = control.SetWriteDeadline(time.Now().Add(writeSeconds * time.Second))
	_, err := o.w.Write(append(append([]byte("data: "), data...), "\n\n"...))
	if err = errors.Join(err, control.Flush()); err != nil {
		return errors.Join(errClientGone, err)
	}
	return nil
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeSeconds * time.Second))
	_ = json.NewEncoder(w).Encode(value)
}
