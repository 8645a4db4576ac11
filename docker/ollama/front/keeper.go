package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"slm-ollama/engine"
	"slm-ollama/store"
	"slm-ollama/web"
)

const (
	lastBytes  = 2 * time.Second
	childGrace = 5 * time.Second
	lookEvery  = 20 * time.Millisecond
)

// keeper sees the engine and its server through: start, serve, drain, end.
type keeper struct {
	stop   context.Context
	child  *engine.Child
	server *web.Server
	http   *http.Server
	wanted flags
}

func (k *keeper) keep(model *store.Model) error {
	defer k.child.Stop(childGrace)
	if err := k.prepare(model); err != nil {
		if k.stop.Err() != nil {
			slog.Info("stopped while the model was being loaded")
			return nil
		}
		return err
	}
	slog.Info("ready", "model", k.wanted.served, "slots", k.wanted.Slots, "context_length", k.wanted.ContextLength)
	select {
	case <-k.child.Ended:
		return k.died()
	case <-k.stop.Done():
	}
	k.server.Life.Leave()
	if !k.sleep(seconds(k.wanted.linger), nil) {
		return k.died()
	}
	k.server.Life.Drain()
	slog.Info("draining", "open", k.server.Life.Open(), "s", k.wanted.drain)
	if !k.sleep(seconds(k.wanted.drain), func() bool { return k.server.Life.Open() == 0 }) {
		return k.died()
	}
	k.close()
	return nil
}

// prepare loads the model, unless the engine dies or the program is stopped meanwhile.
func (k *keeper) prepare(model *store.Model) error {
	ctx, cancel := context.WithCancel(k.stop)
	defer cancel()
	go func() {
		select {
		case <-k.child.Ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	can, err := engine.Prepare(ctx, k.server.Client, model, k.wanted.ContextLength)
	if !k.child.Alive() {
		return errors.Join(k.died(), err)
	}
	if err == nil {
		k.server.Ready(can)
	}
	return err
}

// sleep waits so long, or until enough; false when the engine died meanwhile.
func (k *keeper) sleep(long time.Duration, enough func() bool) bool {
	for until := time.Now().Add(long); time.Now().Before(until); {
		if enough != nil && enough() {
			return true
		}
		select {
		case <-k.child.Ended:
			return false
		case <-time.After(lookEvery):
		}
	}
	return true
}

func (k *keeper) died() error {
	k.server.Life.Fail()
	k.close()
	return fmt.Errorf("ollama ended by itself (%s): its last lines above say why", k.child.Reason())
}

func (k *keeper) close() {
	ctx, cancel := context.WithTimeout(context.Background(), lastBytes)
	defer cancel()
	if k.http.Shutdown(ctx) != nil {
		_ = k.http.Close()
	}
}

func seconds(number float64) time.Duration { return time.Duration(number * float64(time.Second)) }
