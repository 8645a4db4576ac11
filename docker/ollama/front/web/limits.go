package web

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// limits lets so many requests run and so many wait.
type limits struct {
	slots chan struct{}
	// parsing has a place for each body that is being parsed.
	parsing chan struct{}
	queue   int64
	waiting atomic.Int64
}

func newLimits(slots, queue int) *limits {
	return &limits{
		slots: make(chan struct{}, slots), parsing: make(chan struct{}, slots+queue), queue: int64(queue),
	}
}

func (l *limits) running() int { return len(l.slots) }

// enter takes a slot, waiting for one where the queue has room. What it returns gives the slot back.
func (s *Server) enter(ctx context.Context, record *record) (func(), *Problem) {
	switch {
	case s.Life.Draining():
		return nil, draining()
	case !s.Life.Loaded():
		return nil, starting()
	}
	l, began := s.limits, time.Now()
	leave := func() { <-l.slots }
	select {
	case l.slots <- struct{}{}:
		s.admitted(record, began)
		return leave, nil
	default:
	}
	defer l.waiting.Add(-1)
	if l.waiting.Add(1) > l.queue {
		return nil, s.full()
	}
	select {
	case l.slots <- struct{}{}:
		s.admitted(record, began)
		return leave, nil
	case <-ctx.Done():
		record.cancelled = true
		return nil, &Problem{Status: clientGone, Message: "the client left", Code: "client_gone"}
	}
}

func (s *Server) admitted(record *record, since time.Time) {
	record.queued = time.Since(since)
	record.admitted = time.Now()
	s.metrics.queue.Observe(record.queued.Seconds())
}

func (s *Server) full() *Problem {
	return &Problem{Status: http.StatusServiceUnavailable, Code: "queue_full", RetryAfter: retrySeconds,
		Message: fmt.Sprintf("all %d slots are taken and %d requests wait: send the request again",
			cap(s.limits.slots), s.limits.queue)}
}
