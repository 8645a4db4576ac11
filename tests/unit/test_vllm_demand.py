"""What vLLM's settings change about sizes, and that the change decides what fits."""

from typing import Any

import pytest

from catalog import hardware
from catalog.engines import engines
from catalog.errors import KitError
from catalog.models import Model, find, load
from catalog.sizing import MIB, Demand, memory
from catalog.sizing.fit import Fit, Load, fit
from catalog.sizing.refusal import fit_or_refuse
from catalog.sizing.speed import tokens_per_second
from components.engines.vllm.demand import demand
from tests.unit.vllm_parts import options

GIB = 2**30


def placed(
    name: str, card: str, context: int, requests: int, variant: str = "vllm-bf16", **settings: Any
) -> Fit:
    model = find(name)
    asked = demand(options(**settings), model.variants[variant])
    return fit_or_refuse(model, variant, Load(context, requests), hardware.find(card), gpus=1, demand=asked)


def test_settings_that_say_nothing_change_nothing() -> None:
    model = find("qwen3-8b")
    for variant in (each for each in model.variants.values() if each.engine == "vllm"):
        assert demand(options(), variant) == Demand(kv_type="auto")
        plain = memory("vllm", model, variant, 2048, 4, gpus=1)
        for asked in (Demand(), demand(options(), variant)):
            assert memory("vllm", model, variant, 2048, 4, gpus=1, demand=asked) == plain


def test_a_small_share_of_the_gpu_bounds_what_is_there() -> None:
    assert placed("qwen3-4b", "a10", 8192, 8).fits
    with pytest.raises(KitError, match=r"needs 19\.0 GiB .*, 2\.2 are there"):
        placed("qwen3-4b", "a10", 8192, 8, gpuMemoryUtilization=0.1)


def test_a_larger_share_than_the_engines_own_is_taken_too() -> None:
    plain = placed("qwen3-4b", "a10", 2048, 1)
    wide = placed("qwen3-4b", "a10", 2048, 1, gpuMemoryUtilization=0.98)
    assert plain.has == int(hardware.find("a10").usable * engines()["vllm"].gpu_share)
    assert wide.has == int(hardware.find("a10").usable * 0.98)


def test_a_cache_that_the_card_cannot_hold_is_refused() -> None:
    with pytest.raises(KitError, match=r"KV cache 488\.3, .* are there"):
        placed("qwen3-4b", "a10", 2048, 1, kvCacheMib=500_000)


def test_a_cache_above_what_the_load_needs_is_counted_whole() -> None:
    assert placed("qwen3-4b", "a10", 2048, 1, kvCacheMib=4096).estimate.kv == 4096 * MIB


def test_a_cache_below_what_the_load_needs_is_refused_with_the_need() -> None:
    with pytest.raises(KitError, match=r"set to 64 MiB, and the load needs 1152.*Set it to 1152 MiB or more"):
        placed("qwen3-4b", "a10", 2048, 4, kvCacheMib=64)
    assert placed("qwen3-4b", "a10", 2048, 4, kvCacheMib=1152).fits


def test_quantizing_while_loading_lets_a_model_fit_and_read_less() -> None:
    with pytest.raises(KitError, match="comes nearest"):
        placed("qwen3-14b", "rtx-4090", 4096, 1)
    found = placed("qwen3-14b", "rtx-4090", 4096, 1, quantization="fp8_per_tensor")
    plain = fit(find("qwen3-14b"), "vllm-bf16", Load(4096, 1), hardware.find("rtx-4090"), gpus=1)
    assert found.fits
    assert (tokens_per_second(found) or 0) > 1.5 * (tokens_per_second(plain) or 1)


def _both() -> list[Model]:
    return [model for model in load().values() if {"vllm-bf16", "vllm-fp8"} <= set(model.variants)]


@pytest.mark.parametrize("model", _both(), ids=lambda model: model.name)
def test_weights_quantized_while_loading_take_what_the_fp8_variant_takes_and_little_more(
    model: Model,
) -> None:
    plain, small = model.variants["vllm-bf16"], model.variants["vllm-fp8"]
    asked = demand(options(quantization="fp8_per_tensor"), plain)
    predicted = memory("vllm", model, plain, 512, 1, gpus=1, demand=asked).weights
    assert small.bytes <= predicted < 1.25 * small.bytes


def test_a_variant_that_is_quantized_already_is_read_as_it_is() -> None:
    model = find("qwen3-8b")
    asked = demand(options(quantization="fp8_per_tensor"), model.variants["vllm-bf16"])
    for name in ("vllm-fp8", "vllm-awq"):
        variant = model.variants[name]
        assert memory("vllm", model, variant, 512, 1, gpus=1, demand=asked).weights == variant.bytes
        assert demand(options(dtype="float32"), variant).weight_scale == 1


def test_float32_doubles_weights_and_cache() -> None:
    model = find("qwen3-4b")
    variant = model.variants["vllm-bf16"]
    plain, wide = (
        memory("vllm", model, variant, 2048, 4, gpus=1, demand=demand(options(dtype=dtype), variant))
        for dtype in ("auto", "float32")
    )
    assert (wide.weights, wide.kv) == (2 * plain.weights, 2 * plain.kv)


def test_an_fp8_cache_takes_half() -> None:
    plain, small = (placed("qwen3-4b", "l4", 4096, 4, kvCacheDtype=each) for each in ("auto", "fp8"))
    assert small.estimate.kv * 2 == plain.estimate.kv


def test_offloading_and_shared_memory_add_to_the_containers_limit() -> None:
    plain = placed("qwen3-4b", "a10", 2048, 1).estimate
    offloading = placed("qwen3-4b", "a10", 2048, 1, kvOffloadingGib=10).estimate
    shared = placed("qwen3-4b", "a10", 2048, 1, sharedMemoryMib=5120).estimate
    assert offloading.limit == plain.limit + 10 * GIB
    assert shared.limit == plain.limit + 4 * GIB
    assert offloading.needs == plain.needs, "nothing more on the GPU"


@pytest.mark.parametrize(
    ("card", "settings", "said"),
    [
        ("t4", {"dtype": "bfloat16"}, "dtype bfloat16 needs a GPU of compute capability 8, .* has 7.5"),
        ("a10", {"kvCacheDtype": "fp8"}, "kvCacheDtype fp8 needs a GPU of compute capability 8.9"),
    ],
)
def test_what_the_gpu_cannot_compute_is_refused(card: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(KitError, match=said):
        placed("qwen3-0.6b", card, 2048, 1, **settings)
    assert placed("qwen3-0.6b", "l4", 2048, 1, **settings).fits


def test_what_is_proposed_counts_the_settings_too() -> None:
    with pytest.raises(KitError, match=r"it on 2 x NVIDIA A100 40 GB \(vllm-fp8\)"):
        placed("qwen3-8b", "a10", 8192, 8, gpuMemoryUtilization=0.3)
    model, asked = find("qwen3-8b"), Demand(gpu_share=0.3)
    assert fit(model, "vllm-fp8", Load(8192, 8), hardware.find("a100-40"), gpus=2, demand=asked).fits
    assert not fit(model, "vllm-bf16", Load(8192, 8), hardware.find("a100-40"), gpus=1, demand=asked).fits


def test_where_only_the_settings_are_in_the_way_that_is_what_is_said() -> None:
    with pytest.raises(KitError, match="What fits: vllm-bf16 on vLLM here without these settings"):
        placed("qwen3-4b", "a10", 8192, 8, gpuMemoryUtilization=0.1)
