"""What vLLM's settings change about its size. Meanings are those of vLLM 0.32.0, as in options.py."""

from collections.abc import Iterator

from catalog.models import Variant
from catalog.quantization import BITS_PER_WEIGHT, UNQUANTIZED
from catalog.sizing import MIB, Demand
from components.engines.vllm.options import VllmOptions

SHARED_MEMORY_MIB = 1024
"""Part of the engine's own main memory (catalog/engines.yaml, hostMib); what is set above adds to it."""

EIGHT_BITS, EIGHT_BITS_SMALL, SMALL_BYTES = 0.58, 0.66, 12_000_000_000
"""Weights that are quantized while loading, over those at 16 bits: half, and the whole of the embedding and
of the output, which stay. The most that any FP8 variant of the catalog takes, tensor by tensor; small models,
below so many bytes at 16 bits, have more of them. tests/unit/test_vllm_demand.py holds it to the catalog."""

BFLOAT16, FP8_CACHE, FP8_WEIGHTS = 8.0, 8.9, 7.5
"""Lowest compute capability: Ampere; Ada and Hopper; Turing, which computes with FP8 weights at 16 bits."""


def demand(options: VllmOptions, variant: Variant) -> Demand:
    """The demand of these settings for that variant; 0 and None of a setting change nothing."""
    offloading, shared = options.kv_offloading_gib or 0, options.shared_memory_mib or 0
    return Demand(
        kv_type=_kv_type(options),
        gpu_share=options.gpu_memory_utilization,
        kv_bytes=None if options.kv_cache_mib is None else options.kv_cache_mib * MIB,
        weight_scale=_weight_scale(options, variant),
        host_extra=int(offloading * 1024 * MIB) + max(0, shared - SHARED_MEMORY_MIB) * MIB,
        least_capability=tuple(_least_capability(options)),
    )


def _kv_type(options: VllmOptions) -> str:
    automatic = options.kv_cache_dtype == "auto" and options.dtype == "float32"
    return "float32" if automatic else options.kv_cache_dtype


def _weight_scale(options: VllmOptions, variant: Variant) -> float:
    """Weights in memory over those on disk: float32 only where it is asked for, else 16 bits."""
    if variant.quantization not in UNQUANTIZED:
        return 1
    stored = BITS_PER_WEIGHT[variant.quantization]
    scale = (32 if options.dtype == "float32" else 16) / stored
    if not _quantizes(options):
        return scale
    small = variant.bytes * 16 / stored < SMALL_BYTES
    return scale * (EIGHT_BITS_SMALL if small else EIGHT_BITS)


def _quantizes(options: VllmOptions) -> bool:
    """Whether the weights are quantized as they are loaded; the other methods name what a variant is."""
    method = options.quantization or ""
    return method.startswith("fp8_per") or method == "int8_per_channel_weight_only"


def _least_capability(options: VllmOptions) -> Iterator[tuple[str, float]]:
    if options.dtype == "bfloat16":
        yield "dtype bfloat16", BFLOAT16
    if options.kv_cache_dtype == "bfloat16":
        yield "kvCacheDtype bfloat16", BFLOAT16
    if options.kv_cache_dtype.startswith("fp8"):
        yield f"kvCacheDtype {options.kv_cache_dtype}", FP8_CACHE
    if (options.quantization or "").startswith("fp8_per"):
        yield f"quantization {options.quantization}", FP8_WEIGHTS
