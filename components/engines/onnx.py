"""ONNX Runtime: the recipe that turns a model and its settings into a Workload."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from catalog.models import Model, Variant
from catalog.sizing import MIB, onnx_memory_bytes
from components.workload import Mount, Probe, Resources, Workload

PORT = 8000

LINGER_SECONDS = 4
"""From the stop signal on, /ready fails but requests are served: the gateway, which asks each second
and believes the second failure, sends nobody here any more when the engine begins to refuse."""


@dataclass(frozen=True)
class OnnxSettings:
    """What can be set for the ONNX engine of one model."""

    context_length: int
    """Tokens of prompt and answer together."""
    concurrency: int
    """Requests answered at once, each in a KV-cache slot of its own."""
    max_queue: int
    """Requests that may wait inside the engine; the gateway queues before it."""
    cpus: float
    memory_mib: int | None = None
    """Default: what catalog/sizing.py computes for every slot full."""
    drain_seconds: int = 60


def workload(
    model: Model,
    variant: Variant,
    folder: str,
    image: pulumi.Input[str],
    mounts: Sequence[Mount],
    settings: OnnxSettings,
) -> Workload:
    """The ONNX server for one model out of the store at `folder`."""
    size = onnx_memory_bytes(model, variant, settings.context_length, settings.concurrency)
    return Workload(
        image=image,
        command=(
            *("--model", folder),
            *("--served-name", model.name),
            *("--context-length", str(settings.context_length)),
            *("--slots", str(settings.concurrency)),
            *("--queue", str(settings.max_queue)),
            *("--port", str(PORT)),
            *("--linger-seconds", str(LINGER_SECONDS)),
            *("--drain-seconds", str(settings.drain_seconds)),
        ),
        resources=Resources(memory_mib=settings.memory_mib or -(-size // MIB), cpus=settings.cpus),
        alias=model.name,
        ports=(PORT,),
        readiness=_probe("/ready", start_seconds=180),
        liveness=_probe("/health", start_seconds=180),
        mounts=tuple(mounts),
        drain_seconds=LINGER_SECONDS + settings.drain_seconds + 10,
        metrics_path="/metrics",
    )


def _probe(path: str, start_seconds: int) -> Probe:
    command = ("python3", "-m", "onnx_server.probe", f"http://127.0.0.1:{PORT}{path}")
    return Probe(path=path, port=PORT, command=command, start_seconds=start_seconds)
