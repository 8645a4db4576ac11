"""Sizes: the arithmetic against numbers worked out by hand, and against what was measured."""

import pytest

from catalog.engines import engines
from catalog.errors import KitError
from catalog.models import find
from catalog.sizing import MIB, Demand, memory
from catalog.sizing.memory import kv_bytes

SMOL = "smollm2-135m-instruct"

ONNX_MEASURED = {
    (512, 1): 207.0,
    (512, 4): 276.9,
    (2048, 1): 276.8,
    (2048, 4): 549.5,
    (4096, 8): 1638.9,
    (8192, 1): 551.0,
    (8192, 4): 1645.7,
}
"""MiB at most by (context, slots): anonymous memory of the container (memory.stat, rss) sampled every 20 ms
while every slot was filled to the context; docker/onnx-server, onnxruntime 1.31, SmolLM2-135M int4, two
cores, 2026-11-22. The engine's constants were set by the first five; the others were measured to check them,
and so was `ANOTHER_SHAPE`."""

ANOTHER_SHAPE = 224.9
"""The same for 1024 x 2 of an untrained Llama of 113 million parameters with SmolLM2's tokenizer."""

OLLAMA_MEASURED = {(512, 1): 181.2, (512, 4): 236.4, (2048, 1): 220.4, (2048, 4): 367.9}
"""The same for the kit's Ollama image (0.17.4), SmolLM2-135M Q4_1, f16 cache, flash attention, sampled every
50 ms. The engine's constants were set by these; `make bench` measures them anew."""


@pytest.mark.parametrize(("context", "slots"), ONNX_MEASURED)
def test_onnx_memory_is_predicted_within_ten_percent_of_what_was_measured(context: int, slots: int) -> None:
    model = find(SMOL)
    predicted = memory("onnx", model, model.variants["onnx-int4"], context, slots).total / MIB
    assert predicted == pytest.approx(ONNX_MEASURED[context, slots], rel=0.10)


def test_the_prediction_holds_for_a_model_that_no_constant_was_set_by() -> None:
    smol = find(SMOL)
    shape = smol.attention.model_copy(update={"layers": 12, "kv_heads": 4})
    model = smol.model_copy(update={"attention": shape, "parameters": 113_265_408})
    variant = smol.variants["onnx-int4"].model_copy(update={"bytes": 72_952_832 + 92_226})
    assert memory("onnx", model, variant, 1024, 2).total / MIB == pytest.approx(ANOTHER_SHAPE, rel=0.10)


@pytest.mark.parametrize(("context", "slots"), OLLAMA_MEASURED)
def test_ollama_memory_is_predicted_within_ten_percent_of_what_was_measured(context: int, slots: int) -> None:
    model = find(SMOL)
    predicted = memory("ollama", model, model.variants["gguf-q4_1"], context, slots).total / MIB
    assert predicted == pytest.approx(OLLAMA_MEASURED[context, slots], rel=0.10)


@pytest.mark.parametrize(("context", "slots"), ONNX_MEASURED)
def test_the_limit_is_above_what_was_measured_but_not_by_a_third(context: int, slots: int) -> None:
    model = find(SMOL)
    limit = memory("onnx", model, model.variants["onnx-int4"], context, slots).limit / MIB
    assert 1.05 < limit / ONNX_MEASURED[context, slots] < 1.33
    assert limit == int(limit), "whole MiB"


def test_estimate_and_limit_are_kept_apart_by_the_engines_margin() -> None:
    model = find(SMOL)
    size = memory("onnx", model, model.variants["onnx-int4"], 2048, 4)
    assert size.total == size.weights + size.kv + size.overhead
    assert size.limit == pytest.approx(size.total * (1 + engines()["onnx"].margin), abs=MIB)
    assert size.host == 0


def test_a_quantized_cache_takes_the_part_that_ggml_packs() -> None:
    model = find(SMOL)
    sizes = {
        kind: memory("ollama", model, model.variants["gguf-q4_1"], 4096, 2, demand=Demand(kv_type=kind)).kv
        for kind in ("f16", "q8_0", "q4_0")
    }
    assert sizes["f16"] == 2 * 30 * 3 * 64 * 2 * 4096 * 2
    assert sizes["q8_0"] == sizes["f16"] * 34 / 64
    assert sizes["q4_0"] == sizes["f16"] * 18 / 64


def test_an_unknown_cache_type_is_refused_with_those_that_exist() -> None:
    model = find(SMOL)
    with pytest.raises(KitError, match=r"'int3' of Ollama.*f16, q8_0, q4_0"):
        memory("ollama", model, model.variants["gguf-q4_1"], 512, 1, demand=Demand(kv_type="int3"))


def test_an_engine_without_known_memory_is_refused() -> None:
    model = find(SMOL)
    with pytest.raises(KitError, match="External endpoint"):
        memory("external", model, model.variants["gguf-q4_1"], 512, 1)
    with pytest.raises(KitError, match="ONNX Runtime on gpu: it runs on cpu"):
        memory("onnx", model, model.variants["onnx-int4"], 512, 1, gpus=1)


def test_a_sliding_layer_holds_its_window_only() -> None:
    gemma = find("gemma-3-27b-it").attention
    layer = 2 * 16 * 128 * 2
    ollama, onnx = engines()["ollama"].kv, engines()["onnx"].kv
    assert ollama is not None
    assert onnx is not None
    assert kv_bytes(ollama, gemma, 32768, 1, 2) == layer * (10 * 32768 + 52 * (1024 + 1 + 512))
    assert kv_bytes(onnx, gemma, 32768, 1, 2) == layer * 62 * 32768, "an engine without windows keeps all"


def test_a_context_below_the_window_is_held_whole_in_every_layer() -> None:
    ollama = engines()["ollama"].kv
    assert ollama is not None
    gemma = find("gemma-3-27b-it").attention
    assert kv_bytes(ollama, gemma, 512, 1, 2) == 2 * 16 * 128 * 2 * 62 * 512


def test_vllm_pads_the_sliding_layers_to_whole_groups_of_the_full_ones() -> None:
    vllm = engines()["vllm"].kv
    assert vllm is not None
    layer = 2 * 16 * 128 * 2
    gemma = find("gemma-3-27b-it").attention
    assert kv_bytes(vllm, gemma, 32768, 8, 2) == layer * (10 * 32768 * 8 + 60 * (1024 * 8 + 2048))


def test_a_context_is_rounded_up_to_the_engines_blocks() -> None:
    vllm = engines()["vllm"].kv
    assert vllm is not None
    attention = find("qwen3-14b").attention
    assert kv_bytes(vllm, attention, 1001, 1, 2) == kv_bytes(vllm, attention, 1008, 1, 2)


def test_gpus_share_weights_and_cache_but_not_the_engines_own_memory() -> None:
    model = find("qwen3-14b")
    one, two = (memory("vllm", model, model.variants["vllm-bf16"], 4096, 8, gpus=count) for count in (1, 2))
    assert two.weights * 2 == one.weights
    assert two.kv * 2 == one.kv
    assert two.overhead == one.overhead


def test_gpus_that_cannot_divide_the_heads_are_refused_with_the_number_of_heads() -> None:
    model = find("qwen3-14b")
    with pytest.raises(KitError, match=r"3 GPUs for Qwen3 14B on vLLM: its 8 KV heads"):
        memory("vllm", model, model.variants["vllm-bf16"], 4096, 8, gpus=3)


def test_ollama_gives_the_fullest_gpu_whole_layers() -> None:
    model = find("qwen3-14b")
    variant = model.variants["gguf-q4_k_m"]
    assert memory("ollama", model, variant, 4096, 1, gpus=2).weights == int(variant.bytes * 21 / 41)


def test_every_model_of_the_catalog_has_a_size_on_every_engine_it_has_a_variant_for() -> None:
    for model in (find(name) for name in ("qwen3-14b", "phi-4-mini-instruct", SMOL)):
        for variant in model.variants.values():
            for place in engines()[variant.engine].memory:
                gpus = 1 if place == "gpu" else 0
                assert memory(variant.engine, model, variant, 2048, 1, gpus=gpus).total > variant.bytes * 0.9
