// Command slm-ollama serves one model of the kit's store with Ollama behind OpenAI's API.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"slm-ollama/engine"
	"slm-ollama/logs"
	"slm-ollama/store"
	"slm-ollama/web"
)

const (
	// keepAlive is longer than a proxy keeps an idle connection, so that it is never the server that closes
	// it under a request on its way.
	keepAlive     = 75 * time.Second
	headerSeconds = 10
	headerBytes   = 64 << 10
)

type flags struct {
	engine.Settings
	modelfile, served string
	port, queue       int
	linger, drain     float64
}

func parseFlags(arguments []string) (flags, error) {
	var f flags
	set := flag.NewFlagSet("slm-ollama", flag.ContinueOnError)
	set.StringVar(&f.modelfile, "modelfile", "/etc/slm/config/Modelfile", "what to serve; FROM a folder of the store")
	set.StringVar(&f.served, "served-name", "", "public model id")
	set.IntVar(&f.ContextLength, "context-length", 2048, "tokens of prompt and answer together")
	set.IntVar(&f.Slots, "slots", 4, "requests answered at once")
	set.IntVar(&f.queue, "queue", 16, "requests that may wait")
	set.IntVar(&f.port, "port", 8000, "where to listen")
	set.Float64Var(&f.linger, "linger-seconds", 0, "how long to serve on after SIGTERM while /ready fails")
	set.Float64Var(&f.drain, "drain-seconds", 60, "how long answers under way may take after that")
	set.StringVar(&f.Binary, "ollama", "/usr/bin/ollama", "the engine's program")
	set.StringVar(&f.Home, "home", "/run/ollama", "a writable folder in memory")
	set.IntVar(&f.Port, "ollama-port", 11434, "the engine's port on 127.0.0.1")
	if err := set.Parse(arguments); err != nil {
		return f, err
	}
	if f.served == "" || f.ContextLength < 2 || f.Slots < 1 || f.queue < 0 || set.NArg() > 0 {
		return f, fmt.Errorf("needed: --served-name, --context-length >= 2, --slots >= 1, --queue >= 0")
	}
	return f, nil
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "probe" {
		os.Exit(probe(os.Args[2:]))
	}
	logs.Stdout()
	wanted, err := parseFlags(os.Args[1:])
	if err != nil {
		slog.Error("wrong arguments", "error", err.Error())
		os.Exit(2)
	}
	stop, forget := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer forget()
	if err := run(stop, wanted); err != nil {
		slog.Error("ended", "error", err.Error())
		os.Exit(1)
	}
}

// run serves until stop is done or the engine dies, which is an error.
func run(stop context.Context, wanted flags) error {
	model, err := store.ReadModelfile(wanted.modelfile)
	if err != nil {
		return err
	}
	if err := store.Link(wanted.Models(), model.Weights); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", wanted.port))
	if err != nil {
		return err
	}
	engine.CheckKernels(wanted.Binary)
	child, err := engine.Start(wanted.Settings)
	if err != nil {
		return err
	}
	server := web.New(wanted.served, wanted.ContextLength, wanted.Slots, wanted.queue, engine.NewClient(wanted.Port))
	open := &http.Server{
		Handler: server, ReadHeaderTimeout: headerSeconds * time.Second, IdleTimeout: keepAlive,
		MaxHeaderBytes: headerBytes, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	go func() { _ = open.Serve(listener) }()
	keeper := keeper{stop: stop, child: child, server: server, http: open, wanted: wanted}
	return keeper.keep(model)
}
