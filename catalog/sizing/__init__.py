"""Sizes known before anything is created: memory, fit, speed, cold start and cost of a model.

Pure arithmetic over the catalog; bytes, seconds and US dollars unless a name says otherwise.
"""

from catalog.sizing.memory import MIB, MemoryEstimate, kv_cache_bytes, memory, onnx_memory_bytes

__all__ = ["MIB", "MemoryEstimate", "kv_cache_bytes", "memory", "onnx_memory_bytes"]
