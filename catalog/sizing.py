"""How much memory a model needs: arithmetic over the catalog, in bytes unless a name says MiB."""

from catalog.models import Model, Variant

MIB = 1024 * 1024

ONNX_KV_BYTES = 4
"""The CPU graphs of ONNX Runtime GenAI keep their KV cache in float32."""

ONNX_OVERHEAD = 200 * MIB
"""Interpreter, onnxruntime, tokenizer and prefill scratch. Measured for SmolLM2-135M int4 (86 MiB of
weights): 188 MiB beside the KV cache in all, so this leaves about 120 MiB of room."""

ONNX_WEIGHTS_FACTOR = 1.25
"""Weights in memory over weights on disk: int4 kernels keep a prepacked copy beside the mapped file."""


def kv_cache_bytes(model: Model, context_length: int, sequences: int, element_bytes: int) -> int:
    """KV cache of `sequences` full contexts: two tensors a layer, every KV head, every token."""
    attention = model.attention
    per_token = 2 * attention.layers * attention.kv_heads * attention.head_size * element_bytes
    return per_token * context_length * sequences


def onnx_memory_bytes(model: Model, variant: Variant, context_length: int, sequences: int) -> int:
    """Peak memory of the ONNX engine with every slot full to the configured context."""
    weights = int(variant.bytes * ONNX_WEIGHTS_FACTOR)
    cache = kv_cache_bytes(model, context_length, sequences, ONNX_KV_BYTES)
    return weights + cache + ONNX_OVERHEAD
