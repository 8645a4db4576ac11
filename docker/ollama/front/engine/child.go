// Package engine runs Ollama as a child and speaks its own API, which nothing else can reach.
package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"slm-ollama/logs"
)

// Settings are what Ollama is started with.
type Settings struct {
	// Binary is the path of ollama.
	Binary string
	// Home is a writable folder, in memory: Ollama's key and the links to the weights, no weights.
	Home string
	// Port on 127.0.0.1.
	Port int
	// Slots are the sequences decoded at once.
	Slots int
	// ContextLength of each of them, in tokens.
	ContextLength int
}

// Models is Ollama's own store.
func (s Settings) Models() string { return filepath.Join(s.Home, "models") }

// environment is ours plus what must hold whatever the recipe says: one model, no cloud, no other address.
func (s Settings) environment() []string {
	return append(os.Environ(),
		fmt.Sprintf("OLLAMA_HOST=127.0.0.1:%d", s.Port),
		"OLLAMA_MODELS="+s.Models(),
		"HOME="+s.Home,
		"TMPDIR="+s.Home,
		"OLLAMA_NUM_PARALLEL="+strconv.Itoa(s.Slots),
		"OLLAMA_CONTEXT_LENGTH="+strconv.Itoa(s.ContextLength),
		"OLLAMA_MAX_LOADED_MODELS=1",
		"OLLAMA_NO_CLOUD=1",
		"OLLAMA_REMOTES=none.invalid",
		"OLLAMA_NOPRUNE=1",
		"OLLAMA_DEBUG=0", // at 2 it logs prompts
		"GIN_MODE=release",
	)
}

// Child is a running Ollama.
type Child struct {
	command *exec.Cmd
	// Ended is closed when the process is gone.
	Ended chan struct{}
	err   error
}

// Start runs `ollama serve`; its output goes to our log.
func Start(settings Settings) (*Child, error) {
	command := exec.Command(settings.Binary, "serve")
	command.Env = settings.environment()
	// A group of its own: its runner can be ended with it, and no signal for us reaches it by chance.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = writer, writer
	if err := command.Start(); err != nil {
		return nil, errors.Join(err, reader.Close(), writer.Close())
	}
	slog.Info("ollama started", "pid", command.Process.Pid)
	child := &Child{command: command, Ended: make(chan struct{})}
	go logs.Follow("ollama", reader)
	go func() {
		child.err = command.Wait()
		_ = writer.Close()
		close(child.Ended)
	}()
	return child, nil
}

// Alive tells whether the process is there.
func (c *Child) Alive() bool {
	select {
	case <-c.Ended:
		return false
	default:
		return true
	}
}

// Reason says how it ended, once it has.
func (c *Child) Reason() string {
	if c.err == nil {
		return "exit status 0"
	}
	return c.err.Error()
}

// Stop ends it and its runner: asked first, killed after patience.
func (c *Child) Stop(patience time.Duration) {
	for _, sign := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if c.Alive() {
			_ = syscall.Kill(c.command.Process.Pid, sign)
		}
		select {
		case <-c.Ended:
			_ = syscall.Kill(-c.command.Process.Pid, syscall.SIGKILL) // a runner left behind
			return
		case <-time.After(patience):
		}
	}
}

// CheckKernels complains, in the log, about a build without the libraries that compute on processors.
func CheckKernels(binary string) {
	pattern := filepath.Join(filepath.Dir(binary), "..", "lib", "ollama", "libggml-cpu*.so")
	if found, _ := filepath.Glob(pattern); len(found) == 0 {
		slog.Warn("ollama has no kernels for this processor: expect a quarter of its speed", "looked", pattern)
	}
}
