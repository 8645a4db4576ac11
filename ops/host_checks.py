"""What the machine must have before anything is created: a free port, memory, disk."""

import shutil
import socket
from pathlib import Path

from catalog.errors import HostError
from ops import docker_engine
from ops.base_image import exists
from ops.shell import run
from stacks.settings import StackSettings

DISK_COLD_GIB = 12
DISK_WARM_GIB = 2
"""Free space needed with nothing built yet (the converter's image and its build stages), and later."""


def check(settings: StackSettings, stack: str) -> None:
    """Raise HostError naming what is free and what is needed."""
    engine = docker_engine.info()
    _disk(Path(str(engine["DockerRootDir"])), stack, watched=settings.monitoring.enabled)
    _port("gateway", settings.gateway_address, settings.gateway_port, "gatewayPort", stack)
    if settings.open_webui is not None:
        _port("open-webui", "127.0.0.1", settings.open_webui.port, "openWebui.port", stack)
    for name, port in settings.monitored_ports.items():
        _port(name, "127.0.0.1", port, f"monitoring.ports.{name}", stack)


def _disk(root: Path, stack: str, *, watched: bool) -> None:
    if not root.is_dir():
        return  # A remote engine or Docker Desktop: its disk cannot be seen from here.
    free = shutil.disk_usage(root).free / 1024**3
    # What takes most to build, of what serves and of what watches.
    last = ["gateway", *(["loki"] if watched else [])]
    needed = DISK_WARM_GIB if all(exists(f"slm-kit/{each}:{stack}") for each in last) else DISK_COLD_GIB
    if free < needed:
        raise HostError(
            f"{free:.1f} GiB free on {root}",
            f"{needed} GiB are needed",
            "Free some space, e.g. with `docker system prune`.",
        )


def _port(workload: str, address: str, port: int, setting: str, stack: str) -> None:
    ours = run(
        [
            "docker",
            "ps",
            "-q",
            "--filter",
            f"label=slm-kit.stack={stack}",
            "--filter",
            f"label=slm-kit.workload={workload}",
            "--filter",
            f"publish={port}",
        ],
        why="looking for the stack's own containers",
    )
    if ours.strip():
        return
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise HostError(
                f"{address}:{port}",
                f"cannot be published: {error.strerror}",
                f"Free the port, or choose another: make config KEY={setting} VALUE={port + 1}",
            ) from error
