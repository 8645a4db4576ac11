"""Volumes of a cluster, as claims."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
from pulumi_kubernetes import core, meta

from components.platforms.kubernetes_names import OBJECT_LIMIT, dns_label, memory_quantity, name_of
from components.platforms.kubernetes_workload import SKIP_AWAIT

AccessMode = Literal["ReadWriteOnce", "ReadWriteMany"]


@dataclass(frozen=True)
class Claim:
    """What is claimed."""

    namespace: pulumi.Input[str]
    labels: Mapping[str, str]
    access: AccessMode
    gib: int
    storage_class: str | None = None
    """None: the cluster's default."""
    fixed: str | None = None
    """Its name, where something finds it by that; else the provider gives one."""


def claimed(name: str, wanted: Claim, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Create the claim, and give its name."""
    metadata: meta.v1.ObjectMetaArgsDict = {
        "namespace": wanted.namespace,
        "labels": wanted.labels,
        "annotations": SKIP_AWAIT,
    }
    if wanted.fixed is not None:
        metadata["name"] = wanted.fixed
    spec: core.v1.PersistentVolumeClaimSpecArgsDict = {
        "access_modes": [wanted.access],
        "resources": {"requests": {"storage": memory_quantity(wanted.gib * 1024)}},
    }
    if wanted.storage_class is not None:
        spec["storage_class_name"] = wanted.storage_class
    claim = core.v1.PersistentVolumeClaim(
        dns_label(name, OBJECT_LIMIT), metadata=metadata, spec=spec, opts=opts
    )
    return name_of(claim.metadata)
