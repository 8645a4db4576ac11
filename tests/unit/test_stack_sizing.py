"""What a stack's models need, said and refused before anything is created."""

import re
from typing import Any

import pytest

from catalog.errors import KitError
from stacks.parsing import parse
from stacks.plan import plan
from stacks.settings import StackSettings
from tests.conftest import ROOT

MODEL = "smollm2-135m-instruct"


def settings(*models: dict[str, Any], **more: Any) -> StackSettings:
    config = {
        "target": "local-docker", "keys": [{"id": "default"}], "modelSource": "pypi",
        "models": models, **more,
    }  # fmt: skip
    return parse(config, {"default": "slm-x"})


def test_the_table_says_why_an_engine_was_chosen() -> None:
    said = plan(settings({"name": MODEL}, engineMemoryMib=8000)).table
    assert f"{MODEL}: ONNX Runtime because it is the faster one on processors" in said
    assert "because" not in plan(settings({"name": MODEL, "engine": "onnx"})).table


def test_a_memory_limit_below_the_need_is_refused_with_the_need() -> None:
    with pytest.raises(KitError, match=r"memoryMib 100 .* need \d+ MiB"):
        plan(settings({"name": MODEL, "engine": "onnx", "memoryMib": 100}))


@pytest.mark.parametrize(("context", "slots"), [(128, 1), (512, 2), (2048, 8)])
def test_an_onnx_engine_does_not_refuse_the_limit_that_was_computed_for_it(context: int, slots: int) -> None:
    model = {"name": MODEL, "engine": "onnx", "contextLength": context, "concurrency": slots}
    (made,) = plan(settings(model)).hosted
    sized = made.fit.estimate
    # What it asks for beside weights and KV cache: docker/onnx-server/onnx_server/cli.py.
    source = (ROOT / "docker/onnx-server/onnx_server/cli.py").read_text()
    (asked,) = re.findall(r"^_OVERHEAD_BYTES = (\d+) << 20$", source, re.MULTILINE)
    assert made.serving.memory_mib * 2**20 >= sized.weights + sized.kv + int(asked) * 2**20


def test_models_that_fit_alone_and_not_together_are_refused() -> None:
    large = {"model": MODEL, "engine": "onnx", "contextLength": 8192}
    tight = {"engineMemoryMib": 3500, "monitoring": {"enabled": False}}
    plan(settings({**large, "name": "a"}, **tight))
    with pytest.raises(KitError, match="2 models"):
        plan(settings({**large, "name": "a"}, {**large, "name": "b"}, **tight))


def test_a_smaller_kv_cache_type_needs_less() -> None:
    plain = settings({"name": MODEL, "engine": "ollama"})
    small = settings({"name": MODEL, "engine": "ollama", "ollama": {"kvCacheType": "q8_0"}})
    sizes_of = [plan(each).hosted[0].fit.estimate.kv for each in (plain, small)]
    assert sizes_of[1] < 0.6 * sizes_of[0]


def test_gpus_without_their_name_are_refused() -> None:
    with pytest.raises(KitError, match="Set slm-kit:hardware"):
        plan(settings({"name": MODEL, "engine": "ollama", "gpus": 1}))


def test_nothing_is_needed_for_models_that_are_elsewhere() -> None:
    there = {"name": "there", "engine": "external", "external": {"url": "https://models.example.org/v1"}}
    assert plan(settings(there)).sizes == []
    assert "needs memory here" in plan(settings(there)).table


def test_a_conversion_that_needs_more_memory_than_there_is_is_refused() -> None:
    with pytest.raises(KitError, match=r"the kit makes it itself, for which it needs \d+ MiB"):
        plan(settings({"name": MODEL, "engine": "onnx", "contextLength": 512}, engineMemoryMib=1800))


GPU = {"images": "upstream", "modelSource": "hf", "hardware": "a10"}
VLLM = {"model": MODEL, "engine": "vllm"}


def test_an_engine_takes_the_gpu_that_there_is_without_being_told() -> None:
    made = plan(settings({**VLLM, "name": "a"}, **GPU))
    assert (made.hosted[0].decision.gpus, made.hosted[0].devices) == (1, (0,))
    assert (
        plan(settings({**VLLM, "name": "a", "gpus": 0}, **GPU, engineMemoryMib=64000)).hosted[0].devices == ()
    )


def test_each_gpu_belongs_to_one_model_and_there_are_as_many_as_config_says() -> None:
    two: list[dict[str, Any]] = [{**VLLM, "name": "a"}, {**VLLM, "name": "b", "gpuDevices": [0]}]
    with pytest.raises(KitError, match="the machine has 1, and each belongs to one model"):
        plan(settings(*two, **GPU))
    made = plan(settings(*two, **GPU, hardwareGpus=2))
    assert [each.devices for each in made.hosted] == [(1,), (0,)]


@pytest.mark.parametrize(
    ("model", "more", "words"),
    [
        ({"variant": "typo"}, {}, "variant 'typo'"),
        ({}, {"modelSource": "oci"}, "modelSource 'oci'"),
        ({"engine": "onnx"}, {"modelSource": "oci"}, "modelSource 'oci'"),
        ({"gpus": 1}, {}, "Name the engine, or leave gpus out"),
        ({"engine": "onnx", "gpus": 1}, {}, "computes on processors"),
        ({"engine": "ollama", "gpus": 1}, {"hardware": "a10", "images": "build"}, "must be pulled"),
        ({"engine": "onnx"}, {"hardware": "typo"}, "hardware 'typo'"),
        ({"engine": "onnx"}, {"hardware": "cpu-8"}, "is no GPU"),
        ({"engine": "onnx", "memoryMib": 900000}, {"engineMemoryMib": 8000}, "1 models"),
        ({"engine": "ollama", "ollama": {"parameters": {"temprature": 1}}}, {}, "temprature"),
    ],
)
def test_what_cannot_work_is_refused_by_the_plan(
    model: dict[str, Any], more: dict[str, Any], words: str
) -> None:
    with pytest.raises(KitError, match=words):
        plan(settings({"name": MODEL, **model}, **more))


def test_an_open_variant_is_refused_with_the_command_that_locks_it() -> None:
    with pytest.raises(KitError, match="make lock-models MODELS=smollm2-360m-instruct"):
        plan(settings({"name": "smollm2-360m-instruct", "engine": "ollama"}, modelSource="hf"))


def test_no_program_starts_more_threads_than_the_engine_has_processors() -> None:
    made = plan(settings({"name": MODEL, "engine": "ollama", "cpus": 16}, engineCpus=2))
    assert made.hosted[0].serving.cpus == 2


THERE: dict[str, Any] = {
    "name": "there", "engine": "external", "external": {"url": "https://models.example.org/v1"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ([{"name": MODEL, "fallback": "nobody"}], "fallback 'nobody'.*no route serves it"),
        ([{"name": MODEL, "fallback": MODEL}], "cannot stand in for itself"),
        ([{"name": MODEL, "fallback": "there"}, {**THERE, "fallback": MODEL}], "one step is allowed"),
        (
            [{**THERE, "external": {"url": "https://models.example.org/v1", "authorities": "stack"}}],
            "the stack has no authorities of its own",
        ),
    ],
)
def test_what_the_gateway_cannot_take_is_refused_by_the_plan(
    models: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(KitError, match=words):
        plan(settings(*models))
