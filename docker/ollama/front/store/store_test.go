package store

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const weights = "GGUF and what follows"

func folder(t *testing.T, change func(*listed)) string {
	t.Helper()
	place := t.TempDir()
	path := filepath.Join(place, "model.gguf")
	if err := os.WriteFile(path, []byte(weights), 0o600); err != nil {
		t.Fatal(err)
	}
	info, _ := os.Stat(path)
	entry := listed{"model.gguf", info.Size(), digest(), info.ModTime().UnixNano()}
	change(&entry)
	raw, _ := json.Marshal(map[string]any{"files": []listed{entry, {Name: "config.json"}}})
	if err := os.WriteFile(filepath.Join(place, manifestName), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return place
}

func digest() string { return fmt.Sprintf("%x", sha256.Sum256([]byte(weights))) }

// zeros is a well-formed digest of nothing we have.
var zeros = strings.Repeat("0", 64)

func unchanged(*listed) {}

func TestTheDigestOfAnUntouchedFileIsTheManifests(t *testing.T) {
	place := folder(t, func(f *listed) { f.Sha256 = zeros })
	found, err := Find(place)
	if err != nil || found[filepath.Join(place, "model.gguf")] != zeros {
		t.Fatal(found, err)
	}
}

func TestATouchedFileIsHashedAgain(t *testing.T) {
	found, err := Find(folder(t, func(f *listed) { f.MtimeNs-- }))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	_, err = Find(folder(t, func(f *listed) { f.MtimeNs--; f.Sha256 = zeros }))
	if err == nil || !strings.Contains(err.Error(), "has sha256 "+digest()) {
		t.Fatal(err)
	}
}

func TestWhatCannotBeServedIsRefusedByName(t *testing.T) {
	for wanted, change := range map[string]func(*listed){
		"has 21 bytes, not 22":                 func(f *listed) { f.Bytes++ },
		"no such file":                         func(f *listed) { f.Name = "gone.gguf" },
		"not in its folder":                    func(f *listed) { f.Name = "../model.gguf" },
		"no sha256 of 64 digits":               func(f *listed) { f.Sha256 = "../../" + zeros[6:] },
		"is a part of a split model":           func(f *listed) { f.Name = "model-00001-of-00002.gguf" },
		"has no .gguf file: run the model sto": func(f *listed) { f.Name = "model.onnx" },
	} {
		if _, err := Find(folder(t, change)); err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("wanted %q, got %v", wanted, err)
		}
	}
}

func TestALinkOutOfTheFolderIsRefusedAndOneWithinIsNot(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret.gguf")
	if err := os.WriteFile(outside, []byte(weights), 0o600); err != nil {
		t.Fatal(err)
	}
	for target, fine := range map[string]bool{outside: false, "model.gguf": true} {
		place := folder(t, unchanged)
		_ = os.Remove(filepath.Join(place, manifestName))
		link := filepath.Join(place, "link.gguf")
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{place, link} {
			_, err := Find(path)
			if fine != (err == nil) || !fine && !strings.Contains(err.Error(), "leads out of its folder") {
				t.Error(target, path, err)
			}
		}
	}
}

func TestAFolderWithoutAManifestIsHashed(t *testing.T) {
	place := folder(t, unchanged)
	_ = os.Remove(filepath.Join(place, manifestName))
	found, err := Find(place)
	if err != nil || found[filepath.Join(place, "model.gguf")] != digest() {
		t.Fatal(found, err)
	}
}

func TestWeightsAreLinkedAndNeverCopied(t *testing.T) {
	models := t.TempDir()
	found, _ := Find(folder(t, unchanged))
	for range 2 { // a restart finds the links of the run before
		if err := Link(models, found); err != nil {
			t.Fatal(err)
		}
	}
	blob := filepath.Join(models, "blobs", "sha256-"+digest())
	if info, err := os.Lstat(blob); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Fatal("no link", err)
	}
	if read, err := os.ReadFile(blob); err != nil || string(read) != weights {
		t.Fatal("the link leads elsewhere", err)
	}
}

func modelfile(t *testing.T, text string) (*Model, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Modelfile")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return ReadModelfile(path)
}

func TestAModelfileBecomesARequestThatNamesFilesByDigest(t *testing.T) {
	place := folder(t, unchanged)
	model, err := modelfile(t, "FROM "+place+"\nPARAMETER num_ctx 512\nPARAMETER stop \"\"\"<|im_end|>\"\"\"\n"+
		"PARAMETER stop \"\"\"\n\"\"\"\nTEMPLATE \"\"\"{{ .Prompt }} \"x\" \"\"\"\nSYSTEM \"\"\"You are \"it\".\nSo.\"\"\"\n")
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(filepath.Join(place, "model.gguf"), "/")
	r := model.Request
	if r.Files[name] != "sha256:"+digest() || r.From != "" {
		t.Error(r.Files, r.From)
	}
	if r.System != "You are \"it\".\nSo." || r.Template != "{{ .Prompt }} \"x\" " {
		t.Errorf("%q %q", r.System, r.Template)
	}
	if fmt.Sprintf("%q", r.Parameters["stop"]) != `["<|im_end|>" "\n"]` || fmt.Sprint(r.Parameters["num_ctx"]) != "512" {
		t.Error(r.Parameters)
	}
}

func TestAnAdapterIsNoPartOfTheModel(t *testing.T) {
	place := folder(t, unchanged)
	lora := filepath.Join(t.TempDir(), "lora.gguf")
	if err := os.WriteFile(lora, []byte("GGUF adapter"), 0o600); err != nil {
		t.Fatal(err)
	}
	model, err := modelfile(t, "FROM "+place+"\nADAPTER "+lora+"\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(model.Request.Files) != 1 || len(model.Request.Adapters) != 1 || len(model.Weights) != 2 {
		t.Fatal(model.Request.Files, model.Request.Adapters, model.Weights)
	}
}

func TestAModelfileThatWouldPullIsRefused(t *testing.T) {
	if _, err := modelfile(t, "FROM smollm2:135m\n"); err == nil || !strings.Contains(err.Error(), "no absolute path") {
		t.Fatal(err)
	}
}
