"""What a stack's models need, said and refused before anything is created."""

from typing import Any

import pytest

from catalog.errors import KitError
from stacks.settings import StackSettings, parse
from stacks.sizing import fit_of, sizes, table

MODEL = "smollm2-135m-instruct"


def settings(*models: dict[str, Any], **more: Any) -> StackSettings:
    config = {
        "target": "local-docker", "keys": [{"id": "default"}], "modelSource": "pypi",
        "models": models, **more,
    }  # fmt: skip
    return parse(config, {"default": "slm-x"})


def test_the_table_says_why_an_engine_was_chosen() -> None:
    said = table(settings({"name": MODEL}, engineMemoryMib=8000))
    assert f"{MODEL}: ONNX Runtime because it is the faster one on processors" in said
    assert "because" not in table(settings({"name": MODEL, "engine": "onnx"}))


def test_a_memory_limit_below_the_need_is_refused_with_the_need() -> None:
    with pytest.raises(KitError, match=r"memoryMib 100 .* need \d+ MiB"):
        sizes(settings({"name": MODEL, "engine": "onnx", "memoryMib": 100}))


def test_models_that_fit_alone_and_not_together_are_refused() -> None:
    large = {"model": MODEL, "engine": "onnx", "contextLength": 8192}
    sizes(settings({**large, "name": "a"}, engineMemoryMib=3500))
    with pytest.raises(KitError, match="2 models"):
        sizes(settings({**large, "name": "a"}, {**large, "name": "b"}, engineMemoryMib=3500))


def test_a_smaller_kv_cache_type_needs_less() -> None:
    plain = settings({"name": MODEL, "engine": "ollama"})
    small = settings({"name": MODEL, "engine": "ollama", "ollama": {"kvCacheType": "q8_0"}})
    sizes_of = [fit_of(each.models[0], each).estimate.kv for each in (plain, small)]
    assert sizes_of[1] < 0.6 * sizes_of[0]


def test_gpus_without_their_name_are_refused() -> None:
    with pytest.raises(KitError, match="Set slm-kit:hardware"):
        sizes(settings({"name": MODEL, "engine": "ollama", "gpus": 1}))


def test_nothing_is_needed_for_models_that_are_elsewhere() -> None:
    there = {"name": "there", "engine": "external", "external": {"url": "https://models.example.org/v1"}}
    assert sizes(settings(there)) == []
    assert "needs memory here" in table(settings(there))


def test_a_conversion_that_needs_more_memory_than_there_is_is_refused() -> None:
    with pytest.raises(KitError, match=r"the kit makes it itself, for which it needs \d+ MiB"):
        sizes(settings({"name": MODEL, "engine": "onnx", "contextLength": 512}, engineMemoryMib=1800))
