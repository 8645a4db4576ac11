package web

import "sync/atomic"

// Life tells whether requests are taken, and how many are still answered.
type Life struct {
	loaded, leaving, draining, failed atomic.Bool
	open                              atomic.Int64
}

// Load is for when the model is in memory.
func (l *Life) Load() { l.loaded.Store(true) }

// Leave makes /ready fail, so that nobody new is sent here; who comes is still served.
func (l *Life) Leave() { l.leaving.Store(true) }

// Drain refuses new requests.
func (l *Life) Drain() { l.draining.Store(true) }

// Fail is for when the engine is gone.
func (l *Life) Fail() { l.failed.Store(true) }

// Loaded tells whether the model is in memory.
func (l *Life) Loaded() bool { return l.loaded.Load() }

// Draining tells whether new requests are refused.
func (l *Life) Draining() bool { return l.draining.Load() }

// Open is the number of requests that are being answered.
func (l *Life) Open() int64 { return l.open.Load() }
