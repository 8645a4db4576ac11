"""What the settings of an engine change about its size."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Demand:
    """Made out of one engine's settings, for one variant; the defaults change nothing."""

    kv_type: str | None = None
    """Type of the KV cache, by the engine's own name. Default: the engine's own type."""
    gpu_share: float | None = None
    """Part of each GPU's memory that the engine may fill. Default: catalog/engines.yaml, gpuShare."""
    kv_bytes: int | None = None
    """KV cache that is set aside whatever the load, bytes, on GPUs on each. Default: what the load needs.
    Less than that is refused."""
    weight_scale: float = 1
    """Weights in memory over those on disk, where the engine changes their type as it loads. For variants at
    16 or 32 bits only: others are read as they are."""
    host_extra: int = 0
    """Main memory beside weights, cache and the engine's own, bytes: it adds to the container's limit."""
    least_capability: tuple[tuple[str, float], ...] = ()
    """Settings that need a compute capability of the GPU, each with the lowest one."""


NOTHING_ASKED = Demand()
