"""The catalog: what it holds, how it chooses, and what it refuses."""

from pathlib import Path

import pytest

from catalog import models, sizing
from catalog.errors import KitError
from catalog.images import base_image
from catalog.sources import specification

QUICK_START = "smollm2-135m-instruct"


def test_every_file_of_the_catalog_fits_the_schema() -> None:
    assert QUICK_START in models.load()


@pytest.mark.parametrize(("source", "variant"), [("pypi", "onnx-int4-from-gguf"), ("hf", "onnx-int4")])
def test_the_variant_follows_engine_and_source(source: str, variant: str) -> None:
    assert models.find(QUICK_START).variant_for("onnx", source) == variant


def test_an_unknown_model_is_refused_with_the_nearest() -> None:
    with pytest.raises(KitError, match=r"smollm2-135m.*Did you mean smollm2-135m-instruct"):
        models.find("smollm2-135m")


def test_an_engine_without_a_variant_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(KitError, match="onnx"):
        models.find(QUICK_START).variant_for("vllm", "hf")


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


def test_the_specification_names_a_path_that_changes_with_the_source() -> None:
    model = models.find(QUICK_START)
    variant = model.variants["onnx-int4-from-gguf"]
    wanted = specification(model.name, "onnx-int4-from-gguf", variant.source, variant.convert)
    assert wanted["path"] == f"{QUICK_START}/onnx-int4-from-gguf/{variant.source.identity[:16]}"
    assert wanted["convert"]["from"] == "gguf"


def test_the_kv_cache_is_two_tensors_a_layer_for_every_token() -> None:
    model = models.find(QUICK_START)
    assert sizing.kv_cache_bytes(model, 1, 1, 4) == 2 * 30 * 3 * 64 * 4
    assert sizing.kv_cache_bytes(model, 2048, 8, 4) == 2048 * 8 * sizing.kv_cache_bytes(model, 1, 1, 4)


def test_the_upstream_base_is_pinned_by_digest() -> None:
    assert "@sha256:" in base_image().upstream
