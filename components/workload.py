"""The contract between an engine and a platform: what to run, never where.

An engine (or the gateway, or a job) describes itself as a Workload; a platform runs it. Nothing
here creates a resource. Names follow Kubernetes where it has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import pulumi

CONFIG_PATH = "/etc/slm/config"
SECRETS_PATH = "/etc/slm/secrets"
CERTIFICATE_PATH = "/etc/slm/certificate"
"""Where config and secret files, and a certificate, appear, laid out as Kubernetes does: `name ->
..data/name`, and `..data` switched atomically when the content changes."""

KIT_USER = 10001
"""User and group id of every image the kit builds."""


class Kind(StrEnum):
    """A service runs on; a job runs to completion and its failure fails the update."""

    SERVICE = "service"
    JOB = "job"


class Update(StrEnum):
    """How a changed service is replaced: the new one first, or the old one away first.

    The first needs room for both at once: never with a GPU that only one of them can hold.
    """

    START_FIRST = "start-first"
    STOP_FIRST = "stop-first"


@dataclass(frozen=True)
class Probe:
    """How a platform learns that the program is well.

    `command` runs inside the container; where `http` allows it, Kubernetes asks `path` on `port` instead.
    """

    path: str
    port: int
    command: tuple[str, ...]
    interval_seconds: int = 5
    timeout_seconds: int = 3
    failures: int = 3
    start_seconds: int = 60
    """Start-up budget: how long the program may take until it is ready for the first time."""
    http: bool = False
    """Whether `path` answers 200 to anybody on the program's own address: then Kubernetes asks over HTTP,
    which costs no process. A page behind a login, or on 127.0.0.1 alone, does not."""


@dataclass(frozen=True)
class Resources:
    """Limits. `memory_mib` is hard (the kernel kills above it), `cpus` may be a fraction."""

    memory_mib: int
    cpus: float
    gpus: int = 0
    shared_memory_mib: int = 64


@dataclass(frozen=True)
class Mount:
    """A volume of the platform, by the name the platform gave it, a folder of the host, or an image."""

    path: str
    volume: pulumi.Input[str] | None = None
    host_folder: str | None = None
    image: pulumi.Input[str] | None = None
    """Reference of an image whose files are seen there, read-only always; Kubernetes alone has that."""
    read_only: bool = True


@dataclass(frozen=True)
class Publish:
    """A port to open on the machine itself, on one address of it."""

    port: int
    host_port: int
    host_address: str = "127.0.0.1"


@dataclass(frozen=True)
class Workload:
    """Everything a platform has to know to run a program safely.

    Whatever the workload says, a platform runs it as `user`, without capabilities, without new
    privileges and with a read-only root; only `writable` paths (in memory, MiB each) and mounts
    can be written.
    """

    image: pulumi.Input[str]
    resources: Resources
    kind: Kind = Kind.SERVICE
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    config_files: Mapping[str, str] = field(default_factory=dict)
    secret_files: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    certificate: pulumi.Input[str] | None = None
    """Name of a secret that the platform has, with tls.crt and tls.key, which somebody else renews."""
    reloads: bool = False
    """True where the program watches its files itself; else a change of them replaces it."""
    config_check: tuple[str, ...] = ()
    """Command that gets a folder of new config files as last argument and refuses bad ones."""
    alias: str | None = None
    """The name other workloads of the stack reach it by."""
    reaches_engines: bool = True
    """False for what must pass through the gateway like everybody else; it meets the gateway alone."""
    watches: bool = False
    """Whether it is a part of the monitoring set, whose parts meet each other where nothing else is."""
    logs_port: int | None = None
    """Port at which it takes the log of the gateway, which meets nothing else of the monitoring set."""
    ports: tuple[int, ...] = ()
    publish: tuple[Publish, ...] = ()
    needs_egress: bool = False
    host_machine: bool = False
    """Whether `host.docker.internal` leads to the machine that runs it."""
    liveness: Probe | None = None
    readiness: Probe | None = None
    mounts: tuple[Mount, ...] = ()
    writable: Mapping[str, int] = field(default_factory=dict)
    caches: tuple[str, ...] = ()
    """Folders for what takes long to make and can be made again, such as compiled kernels: on a volume, so
    that the next container finds it, and programs in it may be run. On Docker a new volume takes over owner
    and mode of the image's folder, so it must be one that `user` can write."""
    user: int = KIT_USER
    replicas: int = 1
    update: Update = Update.START_FIRST
    drain_seconds: int = 30
    """From the stop signal to the kill: at least the longest answer worth finishing."""
    metrics_path: str | None = None
