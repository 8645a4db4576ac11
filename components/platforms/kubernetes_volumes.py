"""Pure translation of what a Workload reads and writes into the volumes of its pod."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core

from components.image_reference import names_registry
from components.platforms.kubernetes_names import memory_quantity
from components.workload import CERTIFICATE_PATH, CONFIG_PATH, SECRETS_PATH, Mount, Workload

READ_BY_ALL = 0o444
READ_BY_GROUP = 0o440
"""Of secret files, which are root's and of the pod's group, which its user is in."""

RUNTIME_SHARED_MEMORY_MIB = 64
"""What containerd and CRI-O give /dev/shm by themselves."""

Pair = tuple[core.v1.VolumeArgsDict, core.v1.VolumeMountArgsDict]


@dataclass(frozen=True)
class Sources:
    """Names of the objects that a workload's pods take things from."""

    account: pulumi.Input[str]
    config: pulumi.Input[str] | None = None
    secrets: pulumi.Input[str] | None = None
    caches: Sequence[Mount] = ()


def pod_volumes(
    workload: Workload, sources: Sources
) -> tuple[list[core.v1.VolumeArgsDict], list[core.v1.VolumeMountArgsDict]]:
    """Volumes and where they are mounted, in one order."""
    pairs = [
        *_files(sources),
        *_certificate(workload),
        *_memory(workload),
        *_mounted("mount", workload.mounts),
        *_mounted("cache", sources.caches),
    ]
    return [volume for volume, _ in pairs], [mount for _, mount in pairs]


def _files(sources: Sources) -> Iterator[Pair]:
    """Kubernetes lays them out as `name -> ..data/name`, and switches `..data`, by itself."""
    if sources.config is not None:
        yield (
            {"name": "config", "config_map": {"name": sources.config, "default_mode": READ_BY_ALL}},
            {"name": "config", "mount_path": CONFIG_PATH, "read_only": True},
        )
    if sources.secrets is not None:
        yield (
            {"name": "secrets", "secret": {"secret_name": sources.secrets, "default_mode": READ_BY_GROUP}},
            {"name": "secrets", "mount_path": SECRETS_PATH, "read_only": True},
        )


def _certificate(workload: Workload) -> Iterator[Pair]:
    """A pod waits until there is one."""
    if workload.certificate is not None:
        yield (
            {
                "name": "certificate",
                "secret": {
                    "secret_name": workload.certificate,
                    "default_mode": READ_BY_GROUP,
                    # An authority's own certificate may be beside them.
                    "items": [{"key": key, "path": key} for key in ("tls.crt", "tls.key")],
                },
            },
            {"name": "certificate", "mount_path": CERTIFICATE_PATH, "read_only": True},
        )


def _memory(workload: Workload) -> Iterator[Pair]:
    """Memory file systems; what is in them counts against the memory of the container that wrote it."""
    sizes = [(f"writable-{index}", *each) for index, each in enumerate(sorted(workload.writable.items()))]
    shared = workload.resources.shared_memory_mib
    if shared > RUNTIME_SHARED_MEMORY_MIB:
        sizes.append(("shared-memory", "/dev/shm", shared))
    for name, path, mib in sizes:
        yield (
            {"name": name, "empty_dir": {"medium": "Memory", "size_limit": memory_quantity(mib)}},
            {"name": name, "mount_path": path},
        )


def _mounted(prefix: str, mounts: Sequence[Mount]) -> Iterator[Pair]:
    for index, each in enumerate(mounts):
        name = f"{prefix}-{index}"
        seen: core.v1.VolumeMountArgsDict = {
            "name": name,
            "mount_path": each.path,
            "read_only": each.read_only,
        }
        yield (_image(name, each.image) if each.image is not None else _claim(name, each), seen)


def _claim(name: str, mount: Mount) -> core.v1.VolumeArgsDict:
    # Read-only already for the pod: then nobody sets owners on it either.
    claim: core.v1.PersistentVolumeClaimVolumeSourceArgsDict = {
        "claim_name": mount.volume or "",
        "read_only": mount.read_only,
    }
    return {"name": name, "persistent_volume_claim": claim}


def _image(name: str, reference: pulumi.Input[str]) -> core.v1.VolumeArgsDict:
    """The kubelet has the image before it starts the pod, with the pull secrets of its account."""
    policy = pulumi.Output.from_input(reference).apply(
        lambda named: "IfNotPresent" if names_registry(named) else "Never"
    )
    return {"name": name, "image": {"reference": reference, "pull_policy": policy}}
