"""The models that the suite adds to its copy of the catalog.

SmolLM2-135M was not trained to call tools. With a template that has a place for them, and an example in the
conversation, it does: that shows what the engine can do, and the catalog does not offer it.
"""

from pathlib import Path

import yaml

from tests.conftest import ROOT
from tests.stack.rig import MODEL, served_files

FILES = Path(__file__).parent / "data/tiny-embedding-gguf"
"""`slm-kit:modelFolder` of the stack."""
WIDTH = 64
"""Dimensions of the embeddings of data/make_tiny_embedding_gguf.py."""

# Ollama finds out from the template that the model has tools, and what a call of one begins with.
_TEMPLATE = """\
{{- if or .System .Tools }}<|im_start|>system
{{ .System }}{{ if .Tools }}Functions: {{ .Tools }}
Call one with <tool_call>{"name": "...", "arguments": {...}}</tool_call>{{ end }}<|im_end|>
{{ end }}
{{- range $i, $_ := .Messages }}
{{- if eq .Role "user" }}<|im_start|>user
{{ .Content }}<|im_end|>
{{ else if eq .Role "tool" }}<|im_start|>tool
{{ .Content }}<|im_end|>
{{ else if eq .Role "assistant" }}<|im_start|>assistant
{{ if .ToolCalls }}<tool_call>{{ range .ToolCalls -}}
{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}
{{- end }}</tool_call>{{ else }}{{ .Content }}{{ end }}<|im_end|>
{{ end }}
{{- end }}<|im_start|>assistant
"""


def additions() -> list[dict[str, object]]:
    """SmolLM2 with one variant more, and a model that embeds."""
    return [_with_tools(), _embedding()]


def _with_tools() -> dict[str, object]:
    model: dict[str, object] = yaml.safe_load((ROOT / f"catalog/models/{MODEL}.yaml").read_text())
    variants = model["variants"]
    assert isinstance(variants, dict)
    modelfile = {"template": _TEMPLATE, "parameters": {"stop": ["<|im_start|>", "<|im_end|>"]}}
    variants["gguf-q4_1-tools"] = {**variants["gguf-q4_1"], "modelfile": modelfile}
    return model


def _embedding() -> dict[str, object]:
    [file] = served_files(FILES)
    return {
        "name": "tiny-embedding",
        "title": "Tiny random embedding model",
        "parameters": 107_000,
        "task": "embedding",
        "licence": "Apache-2.0",
        "contextLength": 512,
        "embeddingSize": WIDTH,
        "attention": {"layers": 2, "kvHeads": 2, "headSize": 16},
        "facts": "tests/conformance/data",
        "variants": {
            "gguf": {
                "engine": "ollama",
                "format": "gguf",
                "quantization": "fp32",
                "bytes": file["bytes"],
                "source": {"kind": "file", "files": [file]},
            }
        },
    }
