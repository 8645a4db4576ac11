"""Stacks to render rules for, and promtool to read them with."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import docker
from docker.errors import ContainerError

from monitoring.watched import Price, Slo, Watched, WatchedCluster, WatchedEngine, WatchedKey, WatchedModel

GIB = 2**30
ONNX = WatchedEngine("onnx", 180, 2 * GIB, 4)
OLLAMA = WatchedEngine("ollama", 360, 2 * GIB, 4)
VLLM = WatchedEngine("vllm", 1800, 16 * GIB, 64, gpus=1)


def hosted(name: str, engine: WatchedEngine, base: str | None = None) -> WatchedModel:
    """A model of the stack; `base` for an adapter of another one. First tokens within half a second."""
    return WatchedModel(name, Slo(first_token_seconds=0.5), 32, engine, base or name)


OUTSIDE = WatchedModel("outside-4.1", Slo(), 16, None, price=Price(prompt=1, completion=3))
ZONE = "svc.cluster.local"
DOMAIN = f"slm-six.{ZONE}"


def on_cluster(model: WatchedModel) -> WatchedModel:
    """The model where each ready replica is one address behind a name of the cluster."""
    return replace(model, address=f"{str(model.alias).replace('.', '-')}.{DOMAIN}")


STACKS = {
    "onnx": Watched("one", (hosted("tiny", ONNX),), (WatchedKey("alice", ("tiny",)),)),
    "onnx, ollama and an endpoint outside": Watched(
        "three",
        (hosted("tiny", ONNX), hosted("small-1.5b", OLLAMA), OUTSIDE),
        (
            WatchedKey("alice", ("tiny", "small-1.5b", OUTSIDE.name), date(2030, 1, 1)),
            WatchedKey("bob", ("tiny",)),
        ),
        certificates=(("company-root", 1_900_000_000),),
    ),
    "vllm with an adapter, on a GPU": Watched(
        "gpu",
        (hosted("big", VLLM), hosted("big-sql", VLLM, "big")),
        (WatchedKey("alice", ("big", "big-sql")),),
        gpus=1,
    ),
    "every engine": Watched(
        "all",
        (hosted("tiny", ONNX), hosted("small", OLLAMA), hosted("big", VLLM), OUTSIDE),
        (WatchedKey("alice", ("tiny",)),),
        gpus=2,
    ),
    "an endpoint outside alone": Watched("outside", (OUTSIDE,), (WatchedKey("alice", (OUTSIDE.name,)),)),
    "on a cluster": Watched(
        "six",
        (on_cluster(hosted("small-1.5b", OLLAMA)), on_cluster(hosted("tiny", ONNX)), OUTSIDE),
        (WatchedKey("alice", ("tiny", "small-1.5b")),),
        cluster=WatchedCluster("slm-six", 8 * GIB),
    ),
    "on a cluster, with GPUs": Watched(
        "gpus",
        (on_cluster(hosted("big", VLLM)),),
        (WatchedKey("alice", ("big",)),),
        own_certificate=True,
        gpus=1,
        cluster=WatchedCluster("slm-six", 8 * GIB, f"gpu-exporter.slm-six-gpu.{ZONE}"),
    ),
    "nobody has a key yet": Watched("keyless", (hosted("tiny", ONNX),), ()),
}


def promtool(
    client: docker.DockerClient,
    image: str,
    folder: Path,
    files: dict[str, str],
    *command: str,
    labels: dict[str, str],
) -> str:
    """Runs promtool beside `files`; what it says, and AssertionError with that if it refuses."""
    folder.chmod(0o755)
    for name, content in files.items():
        (folder / name).write_text(content)
    try:
        output: bytes = client.containers.run(
            image,
            list(command),
            entrypoint=["promtool"],
            working_dir="/rules",
            volumes={str(folder): {"bind": "/rules", "mode": "ro"}},
            tmpfs={"/tmp": "size=64m,mode=1777"},
            read_only=True,
            network_mode="none",
            labels=labels,
            stderr=True,
            remove=True,
        )
    except ContainerError as refused:
        logs = refused.stderr.decode() if isinstance(refused.stderr, bytes) else str(refused.stderr)
        raise AssertionError(f"promtool {' '.join(command)}: {logs}") from refused
    return output.decode()
