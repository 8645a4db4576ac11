"""How much memory the parts of the monitoring set may take."""

from collections.abc import Collection, Mapping

MEMORY_MIB: Mapping[str, int] = {
    "prometheus": 256,
    "alertmanager": 64,
    "node-exporter": 48,
    "collector": 160,
    "loki": 256,
    "grafana": 384,
    "gpu-exporter": 256,
}
"""Limits: at least twice what each takes at rest on the local stack."""
ALWAYS = ("prometheus", "alertmanager", "node-exporter", "collector", "loki")
"""Parts that run wherever monitoring is on."""


def memory_mib(published: Collection[str], *, gpus: bool) -> int:
    """Sum of the limits of the parts that run, given which are published (none: monitoring is off)."""
    if not published:
        return 0
    optional = {"grafana": "grafana" in published, "gpu-exporter": gpus}
    return sum(MEMORY_MIB[name] for name in (*ALWAYS, *(name for name, runs in optional.items() if runs)))


def go_runtime(name: str) -> dict[str, str]:
    """Settings of Go's runtime: half as much garbage as by default, and harder work before the kernel kills.

    One thread runs at a time: with more they wake each other, and each wake takes a turn from an engine.
    """
    return {"GOGC": "50", "GOMEMLIMIT": f"{MEMORY_MIB[name] * 3 // 4}MiB", "GOMAXPROCS": "1"}
