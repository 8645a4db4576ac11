package store

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/parser"
)

// Model is what a Modelfile says, ready to be created.
type Model struct {
	Request api.CreateRequest
	Weights Weights
}

// ReadModelfile reads a Modelfile with Ollama's own parser. FROM and ADAPTER have to be absolute paths into
// the store: nothing is ever pulled.
func ReadModelfile(path string) (*Model, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	parsed, err := parser.ParseFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var from, adapter string
	rest := parser.Modelfile{}
	for _, command := range parsed.Commands {
		switch command.Name {
		case "model":
			from = command.Args
		case "adapter":
			adapter = command.Args
		default:
			rest.Commands = append(rest.Commands, command)
		}
	}
	// The rest alone: the parser would hash every file, and the store knows the digests.
	request, err := rest.CreateRequest("/")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	model := &Model{Request: *request}
	return model, model.addFiles(from, adapter)
}

func (m *Model) addFiles(from, adapter string) error {
	for _, path := range []string{from, adapter} {
		if path != "" && !filepath.IsAbs(path) {
			return fmt.Errorf("%q in the Modelfile is no absolute path into the model store", path)
		}
	}
	weights, err := Find(from)
	if err != nil {
		return err
	}
	m.Weights = maps.Clone(weights)
	if adapter != "" {
		digest, known := weights[adapter]
		if !known {
			found, err := Find(adapter)
			if err != nil {
				return err
			}
			digest = found[adapter]
			m.Weights[adapter] = digest
		}
		delete(weights, adapter)
		m.Request.Adapters = map[string]string{strings.TrimPrefix(adapter, "/"): "sha256:" + digest}
	}
	m.Request.Files = map[string]string{}
	for path, digest := range weights {
		m.Request.Files[strings.TrimPrefix(path, "/")] = "sha256:" + digest
	}
	return nil
}
