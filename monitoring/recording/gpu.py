"""GPUs, as NVIDIA's DCGM exporter 4 tells with the counters of monitoring/dcgm_counters.csv."""

from monitoring.rules import Record
from monitoring.watched import Watched


def records(watched: Watched) -> list[Record]:
    """Their series; none without a GPU."""
    if not watched.gpus:
        return []
    by_gpu = _by_gpu if watched.cluster is None else _by_node_and_gpu
    used, free = _metric("FB_USED"), _metric("FB_FREE")
    busy = f"{by_gpu(_metric('GPU_UTIL'))} / 100"
    # A GPU that is cut into parts (MIG) has this one only.
    busy_part = by_gpu('DCGM_FI_PROF_GR_ENGINE_ACTIVE{job="gpu"}')
    return [
        Record("slm:gpu_utilization:ratio", f"{busy} or {busy_part}"),
        Record("slm:gpu_memory:ratio", by_gpu(f"{used} / ({used} + {free})")),
        Record("slm:gpu_temperature_celsius", by_gpu(_metric("GPU_TEMP"))),
        Record("slm:gpu_power_watts", by_gpu(_metric("POWER_USAGE"))),
        Record("slm:gpu_xid", by_gpu(_metric("XID_ERRORS"))),
        Record("slm:gpu_throttle_reasons", by_gpu(_metric("CLOCKS_EVENT_REASONS"))),
    ]


def _metric(field: str) -> str:
    return f'DCGM_FI_DEV_{field}{{job="gpu"}}'


def _by_node_and_gpu(expr: str) -> str:
    """Every node has a GPU 0: there `gpu` is the node's name and its number."""
    return _by_gpu(f'label_join({expr}, "gpu", "/", "Hostname", "gpu")')


def _by_gpu(expr: str) -> str:
    named = f'label_replace({expr}, "gpu_model", "$1", "modelName", "(.*)")'
    return f"max by (gpu, gpu_model) ({named})"
