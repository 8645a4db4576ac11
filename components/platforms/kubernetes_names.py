"""Names, labels and quantities as Kubernetes wants them; creates nothing."""

import hashlib
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

import pulumi
from pulumi_kubernetes import core, meta

from catalog.errors import KitError
from components.workload import Kind, Workload

STACK_LABEL = "slm-kit.stack"
WORKLOAD_LABEL = "slm-kit.workload"
ROLE_LABEL = "slm-kit.role"
NODE_LABEL = "slm-kit.one-node"
"""Of pods that must be on one node, as a volume that they mount is; its value names the volume."""

GPU_PART_LABEL, GPU_EXPORTER = "slm-kit.gpu-part", "gpu-exporter"
"""Of pods that run beside engines on GPU nodes, in a namespace of their own (components/gpu_plugins.py)."""

LABEL_LIMIT = 63
"""Characters of a DNS label, of a label's value, and of a Job's name (its pods carry it as a label)."""
OBJECT_LIMIT = 50
"""Characters of a name that a provider may still add `-` and 8 characters of its own to."""

_ALIAS = re.compile(r"[a-z]([-.a-z0-9]*[a-z0-9])?")
_FOREIGN = re.compile(r"[^a-z0-9-]")


class Role(StrEnum):
    """What a workload is to the others; follows from the workload and decides who may meet whom."""

    GATEWAY = "gateway"
    ENGINE = "engine"
    CLIENT = "client"
    """Passes through the gateway like everybody else."""
    MONITORING = "monitoring"
    SCRAPER = "scraper"
    """The part of the monitoring set that asks engines and gateway for their metrics."""
    COLLECTOR = "collector"
    """The part that takes the gateway's log."""
    JOB = "job"


def role_of(workload: Workload) -> Role:
    """The role; a service that reaches engines and is published is the gateway, unpublished an engine."""
    if workload.kind is Kind.JOB:
        return Role.JOB
    if workload.logs_port is not None:
        return Role.COLLECTOR
    if workload.watches:
        return Role.SCRAPER if workload.reaches_engines else Role.MONITORING
    if not workload.reaches_engines:
        return Role.CLIENT
    return Role.GATEWAY if workload.publish else Role.ENGINE


def dns_label(name: str, limit: int = LABEL_LIMIT) -> str:
    """`name` as a DNS label: large letters become small, dots and the like (of models and variants) hyphens,
    and what is too long ends in a digest."""
    label = _FOREIGN.sub("-", name.lower()).strip("-")
    if len(label) <= limit:
        return label
    return f"{label[: limit - 9].rstrip('-')}-{digest_of(name)}"


def digest_of(*parts: str | None) -> str:
    """8 characters that differ where the parts do."""
    return hashlib.sha256("/".join(part or "" for part in parts).encode()).hexdigest()[:8]


def service_name(alias: str) -> str:
    """Name of the Service of an alias. Raises KitError where no Service can have it (RFC 1035)."""
    if not _ALIAS.fullmatch(alias):
        raise KitError(
            f"name {alias!r}",
            "a Kubernetes Service has lower-case letters, digits and hyphens, and begins with a letter",
            "Choose another name; for a model, name the catalog's model as `model`.",
        )
    return dns_label(alias)


def full_name(alias: str, namespace: str) -> str:
    """DNS name of an alias' Service that needs no search domain."""
    return f"{service_name(alias)}.{namespace}.svc.cluster.local"


def published_name(name: str) -> str:
    """Name of the Service of the ports that a workload with this alias, or this name, publishes."""
    return dns_label(f"{service_name(name)}-published")


def labels_of(stack: str, name: str, workload: Workload) -> dict[str, str]:
    """Labels of everything a workload has; the first two select its pods."""
    return {**selector_of(stack, name), ROLE_LABEL: role_of(workload).value}


def selector_of(stack: str, name: str) -> dict[str, str]:
    """Labels that the pods of one workload, and no others, have."""
    return {STACK_LABEL: dns_label(stack), WORKLOAD_LABEL: dns_label(name)}


def cpu_quantity(cpus: float) -> str:
    """Processors in Kubernetes' canonical form, to a thousandth: 2 is `2`, 0.5 is `500m`; at least `1m`."""
    thousandths = max(1, round(cpus * 1000))
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def memory_quantity(mebibytes: int) -> str:
    """Memory in Kubernetes' canonical form: 512 is `512Mi`, 2048 is `2Gi`."""
    for unit in ("Mi", "Gi"):
        if mebibytes % 1024 or not mebibytes:
            return f"{mebibytes}{unit}"
        mebibytes //= 1024
    return f"{mebibytes}Ti"


def name_of(metadata: pulumi.Output[meta.v1.outputs.ObjectMeta]) -> pulumi.Output[str]:
    """Name of a created object."""
    return metadata.apply(lambda known: known.name or "")


def same_name(name: str, taken: Iterable[str]) -> None:
    """Refuse a name that is one with another on Kubernetes: an object's, or a label's and a Service's."""
    for before in taken:
        # A longer name ends in a digest of what it was, and differs; a label has room for more of it.
        if any(dns_label(name, limit) == dns_label(before, limit) for limit in (OBJECT_LIMIT, LABEL_LIMIT)):
            raise KitError(
                f"{name!r} and {before!r}",
                "are one name on Kubernetes, where dots are hyphens",
                "Choose another name for one of them.",
            )


def tolerated(taint: str) -> core.v1.TolerationArgsDict:
    """What lets a pod onto nodes with the taint `key[=value]:effect`; without a value, whichever it has."""
    pair, _, effect = taint.partition(":")
    key, _, value = pair.partition("=")
    found: Literal["Equal", "Exists"] = "Equal" if value else "Exists"
    made: core.v1.TolerationArgsDict = {"key": key, "operator": found, "effect": effect}
    if value:
        made["value"] = value
    return made
