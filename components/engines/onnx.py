"""ONNX Runtime: the recipe that turns a model and its settings into a Workload."""

from collections.abc import Sequence

import pulumi

from components.engines.contract import PORT, Recipe, Serving
from components.workload import Mount, Probe, Resources, Workload

LINGER_SECONDS = 4
"""From the stop signal on, /ready fails but requests are served: the gateway, which asks each second
and believes the second failure, sends nobody here any more when the engine begins to refuse."""


def workload(serving: Serving, image: pulumi.Input[str], mounts: Sequence[Mount]) -> Workload:
    """The ONNX server for one model out of the store."""
    return Workload(
        image=image,
        command=(
            *("--model", serving.folder),
            *("--served-name", serving.name),
            *("--context-length", str(serving.context_length)),
            *("--slots", str(serving.concurrency)),
            *("--queue", str(serving.max_queue)),
            *("--port", str(PORT)),
            *("--linger-seconds", str(LINGER_SECONDS)),
            *("--drain-seconds", str(serving.drain_seconds)),
        ),
        resources=Resources(memory_mib=serving.memory_mib, cpus=serving.cpus),
        alias=serving.name,
        replicas=serving.replicas,
        ports=(PORT,),
        readiness=_probe("/ready", start_seconds=180),
        liveness=_probe("/health", start_seconds=180),
        mounts=tuple(mounts),
        update=serving.replaced,
        drain_seconds=LINGER_SECONDS + serving.drain_seconds + 10,
        metrics_path="/metrics",
    )


def _probe(path: str, start_seconds: int) -> Probe:
    command = ("python3", "-m", "onnx_server.probe", f"http://127.0.0.1:{PORT}{path}")
    return Probe(path=path, port=PORT, command=command, start_seconds=start_seconds, http=True)


RECIPE = Recipe(name="onnx", workload=workload, health_path="/ready")
