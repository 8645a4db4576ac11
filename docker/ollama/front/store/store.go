// Package store finds the weights in the kit's model store and gives them to Ollama without copying them.
package store

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// manifestName is the list that the store writes last into a model's folder.
const manifestName = "manifest.json"

// split is how llama.cpp names the parts of a model in several files, which Ollama cannot serve.
var split = regexp.MustCompile(`-\d{5}-of-\d{5}\.gguf$`)

// hexDigest is a sha256; it becomes a part of a path.
var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

func isWeights(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".gguf") }

// Weights are the GGUF files of one model by path, each with its sha256 in hexadecimal.
type Weights map[string]string

type listed struct {
	Name    string `json:"name"`
	Bytes   int64  `json:"bytes"`
	Sha256  string `json:"sha256"`
	MtimeNs int64  `json:"mtime_ns"`
}

// Find lists the GGUF files of folder, or folder itself where it is such a file.
//
// With a manifest beside them only what it lists is taken, and refused where the size is another; a file
// that was touched since is hashed again. Without a manifest every file is hashed, which takes about a
// second for 1 GB.
func Find(folder string) (Weights, error) {
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		if err := inside(filepath.Dir(folder), folder); err != nil {
			return nil, err
		}
		digest, err := digestOf(folder)
		return Weights{folder: digest}, err
	}
	files, err := read(filepath.Join(folder, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		files, err = unlisted(folder)
	}
	if err != nil {
		return nil, err
	}
	found := Weights{}
	for _, file := range files {
		if !isWeights(file.Name) {
			continue
		}
		if split.MatchString(file.Name) {
			return nil, fmt.Errorf("%s is a part of a split model, which Ollama cannot serve: merge the parts", file.Name)
		}
		path := filepath.Join(folder, filepath.FromSlash(file.Name))
		if err := inside(folder, path); err != nil {
			return nil, err
		}
		digest, err := file.verified(path)
		if err != nil {
			return nil, err
		}
		found[path] = digest
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no .gguf file: run the model store again", folder)
	}
	return found, nil
}

// inside refuses a path whose links lead out of the folder.
func inside(folder, path string) error {
	root, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("%w: run the model store again", err)
	}
	if within, err := filepath.Rel(root, real); err != nil || !filepath.IsLocal(within) {
		return fmt.Errorf("%s leads out of its folder: run the model store again", path)
	}
	return nil
}

func read(path string) ([]listed, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var manifest struct {
		Files []listed `json:"files"`
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return nil, fmt.Errorf("%s cannot be read (%w): run the model store again", path, err)
	}
	for _, file := range manifest.Files {
		if !filepath.IsLocal(filepath.FromSlash(file.Name)) {
			return nil, fmt.Errorf("%s lists %q, not in its folder: run the model store again", path, file.Name)
		}
		if isWeights(file.Name) && !hexDigest.MatchString(file.Sha256) {
			return nil, fmt.Errorf("%s lists %q with no sha256 of 64 digits: run the model store again", path, file.Name)
		}
	}
	return manifest.Files, nil
}

func unlisted(folder string) ([]listed, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.gguf"))
	var files []listed
	for _, path := range paths {
		files = append(files, listed{Name: filepath.Base(path), Bytes: -1})
	}
	return files, err
}

func (f listed) verified(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("%w: run the model store again", err)
	}
	if f.Bytes >= 0 && info.Size() != f.Bytes {
		return "", fmt.Errorf("%s has %d bytes, not %d: run the model store again", path, info.Size(), f.Bytes)
	}
	if f.Bytes >= 0 && f.MtimeNs == info.ModTime().UnixNano() {
		return f.Sha256, nil
	}
	digest, err := digestOf(path)
	if err == nil && f.Bytes >= 0 && digest != f.Sha256 {
		return "", fmt.Errorf("%s has sha256 %s, not %s: run the model store again", path, digest, f.Sha256)
	}
	return digest, err
}

func digestOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", hash.Sum(nil)), nil
}

// Link makes Ollama's blobs below models links to the weights, so that it reads them where they are.
func Link(models string, weights Weights) error {
	blobs := filepath.Join(models, "blobs")
	if err := os.MkdirAll(blobs, 0o700); err != nil {
		return err
	}
	for path, digest := range weights {
		link := filepath.Join(blobs, "sha256-"+digest)
		if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.Symlink(path, link); err != nil {
			return err
		}
	}
	return nil
}
