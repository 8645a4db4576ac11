"""The catalog: what it holds, how it chooses, and what it refuses."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog import models
from catalog.errors import KitError
from catalog.images import base_image
from catalog.quantization import BITS_PER_WEIGHT
from catalog.schema import TEMPLATES_FOLDER
from catalog.sources import specification
from ops import models as listing
from tests.conftest import ROOT

QUICK_START = "smollm2-135m-instruct"
PROMISED = {
    "micro": """smollm2-135m-instruct smollm2-360m-instruct qwen3-0.6b gemma-3-270m-it gemma-3-1b-it
        llama-3.2-1b-instruct qwen3-embedding-0.6b""",
    "small": """smollm2-1.7b-instruct qwen3-1.7b qwen3-4b qwen3-8b qwen3-14b gemma-3-4b-it gemma-3-12b-it
        phi-4-mini-instruct phi-4 llama-3.2-3b-instruct bitnet-b1.58-2b-4t""",
    "medium": "qwen3-30b-a3b gemma-3-27b-it",
}
"""What the source material and the field ask for, by the source's classes of size."""
VARIANTS = [(model.name, name) for model in models.load().values() for name in model.variants]

SMALL: dict[str, Any] = {
    "name": "x",
    "title": "X",
    "parameters": 1000,
    "licence": "MIT",
    "contextLength": 8,
    "attention": {"layers": 2, "kvHeads": 1, "headSize": 4},
    "facts": "made up",
    "variants": {
        "only": {
            "engine": "ollama",
            "format": "gguf",
            "quantization": "q8_0",
            "bytes": 1063,
            "source": {"kind": "hf", "repository": "o/x", "patterns": ["*.gguf"]},
        }
    },
}


def _load_one(folder: Path, **changes: Any) -> models.Model:
    (folder / "models").mkdir()
    (folder / "models" / "x.yaml").write_text(yaml.safe_dump(SMALL | changes))
    return models.load(folder / "models")["x"]


@pytest.mark.parametrize(("size_class", "names"), PROMISED.items())
def test_the_catalog_has_every_promised_model_in_its_class(size_class: str, names: str) -> None:
    assert {models.find(name).size_class for name in names.split()} == {size_class}


@pytest.mark.parametrize(("source", "variant"), [("pypi", "onnx-int4-from-gguf"), ("hf", "onnx-int4")])
def test_the_variant_follows_engine_and_source(source: str, variant: str) -> None:
    assert models.find(QUICK_START).variant_for("onnx", source) == variant


def test_an_unknown_model_is_refused_with_the_nearest() -> None:
    with pytest.raises(KitError, match=r"smollm2-135m.*Did you mean smollm2-135m-instruct"):
        models.find("smollm2-135m")


def test_an_engine_without_a_variant_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(KitError, match="variants of it for external"):
        models.find("bitnet-b1.58-2b-4t").variant_for("onnx", "hf")


def test_a_source_without_a_variant_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(KitError, match=r"oci.*onnx-int4 \(hf\)"):
        models.find(QUICK_START).variant_for("onnx", "oci")


def test_a_named_variant_must_be_for_the_engine() -> None:
    with pytest.raises(KitError, match="gguf-q4_1"):
        models.find(QUICK_START).variant_for("onnx", "pypi", "gguf-q4_1")


def test_a_file_with_a_misspelt_key_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("name: x\nparametres: 1\n")
    with pytest.raises(KitError, match=r"x\.yaml.*parametres: Extra"):
        models.load(tmp_path)


def test_a_quantization_spelt_otherwise_is_refused_with_the_spellings(tmp_path: Path) -> None:
    only = SMALL["variants"]["only"] | {"quantization": "Q8_0"}
    with pytest.raises(KitError, match=r"quantization.*'q8_0'"):
        _load_one(tmp_path, variants={"only": only})


def test_an_embedding_model_must_say_how_long_its_vectors_are(tmp_path: Path) -> None:
    with pytest.raises(KitError, match="embeddingSize"):
        _load_one(tmp_path, task="embedding")


@pytest.mark.parametrize("name", ["file:none.gotmpl", "file:../models.py"])
def test_a_template_that_is_not_in_the_catalog_is_refused(tmp_path: Path, name: str) -> None:
    only = SMALL["variants"]["only"] | {"modelfile": {"template": name}}
    with pytest.raises(KitError, match="no file of catalog/templates"):
        _load_one(tmp_path, variants={"only": only})


@pytest.mark.parametrize(("model_name", "name"), VARIANTS)
def test_a_variant_is_as_large_as_its_parameters_and_bits_say(model_name: str, name: str) -> None:
    model = models.find(model_name)
    variant = model.variants[name]
    share = variant.bytes * 8 / (model.parameters * BITS_PER_WEIGHT[variant.quantization])
    # GGUF leaves the image encoder of Gemma 3 out. Embeddings that stay at 16 or 32 bits weigh most in small
    # models, and most of all beside ternary weights.
    highest = 3.3 if variant.quantization == "i2_s" else 2.2
    assert 0.88 < share < highest


def test_a_gguf_has_a_form_that_ollama_can_prompt() -> None:
    # Ollama cannot run Jinja; what it does recognize by itself are the templates of SmolLM2 and Gemma 3.
    for model in models.load().values():
        for variant in model.variants.values():
            if variant.engine == "ollama" and model.task == "chat" and not model.name.startswith("gemma"):
                assert variant.modelfile is not None
                assert variant.modelfile.system or variant.modelfile.template, model.name


def test_every_template_is_used_and_shows_the_conversation() -> None:
    used = {
        variant.modelfile.template
        for model in models.load().values()
        for variant in model.variants.values()
        if variant.modelfile and variant.modelfile.template
    }
    assert used == {path.read_text() for path in TEMPLATES_FOLDER.iterdir()}
    assert all(".Messages" in text for text in used)


def test_a_model_that_calls_tools_has_them_in_its_template_too() -> None:
    for model in models.load().values():
        for variant in model.variants.values():
            if model.tools and variant.modelfile and variant.modelfile.template:
                assert ".ToolCalls" in variant.modelfile.template, model.name


def test_every_parser_is_one_that_vllm_registers() -> None:
    known = yaml.safe_load((ROOT / "components/engines/vllm/parsers.yaml").read_text())
    for model in models.load().values():
        if model.tools:
            assert model.tools.vllm_parser in known["toolCall"]
        assert model.reasoning_parser in {None, *known["reasoning"]}


def test_one_model_can_be_several_products_on_the_same_weights() -> None:
    variants = models.find(QUICK_START).variants
    plain, terse = variants["gguf-q4_1"], variants["gguf-q4_1-terse"]
    assert plain.source == terse.source
    assert terse.modelfile is not None
    assert terse.modelfile.parameters == {"temperature": 0, "seed": 1, "num_predict": 96}
    assert isinstance(terse.modelfile.parameters["seed"], int)


def test_the_specification_names_a_path_that_changes_with_the_source() -> None:
    model = models.find(QUICK_START)
    variant = model.variants["onnx-int4-from-gguf"]
    wanted = specification(model.name, "onnx-int4-from-gguf", variant.source, variant.convert)
    assert wanted["path"] == f"{QUICK_START}/onnx-int4-from-gguf/{variant.source.identity[:16]}"
    assert wanted["convert"]["from"] == "gguf"


def test_the_table_fits_the_terminal_and_marks_what_is_open() -> None:
    lines = listing.table(models.load()).splitlines()
    assert max(map(len, lines)) <= listing.WIDTH
    assert [line.split()[0] for line in lines[1 : 1 + len(models.load())]] == sorted(models.load())
    row = next(line for line in lines if line.startswith("qwen3-8b"))
    assert "q4_k_m (q8_0)" in row
    assert "yes" in row
    assert "Llama 3.2*" in next(line for line in lines if line.startswith("llama-3.2-1b"))


def test_a_model_in_detail_says_where_each_variant_comes_from() -> None:
    text = listing.detail(models.find("gemma-3-27b-it"))
    assert "62 layers, 52 of them see the last 1024 tokens; 16 KV heads of 128" in text
    assert "https://ai.google.dev/gemma/terms" in text
    assert "locked ggml-org/gemma-3-27b-it-GGUF" in text
    assert max(map(len, text.splitlines())) <= listing.WIDTH


def test_the_upstream_base_is_pinned_by_digest() -> None:
    assert "@sha256:" in base_image().upstream
