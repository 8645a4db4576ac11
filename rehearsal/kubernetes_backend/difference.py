"""Compare inputs, and know which changes need a new object."""

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.backend import UNKNOWN
from rehearsal.kubernetes_backend.manifest import Kind
from rehearsal.kubernetes_backend.secret_data import is_secret
from rehearsal.kubernetes_backend.settings import Settings
from rehearsal.values import Path, show_path

_GONE = object()

IDENTITY = ("metadata.name", "metadata.namespace")
_SELECTOR = ("spec.selector",)
_BINDING = ("roleRef",)
_CLAIM = (
    "accessModes",
    "selector",
    "storageClassName",
    "volumeName",
    "volumeMode",
    "dataSource",
    "dataSourceRef",
)
_SET = ("podManagementPolicy", "revisionHistoryLimit", "selector", "serviceName", "volumeClaimTemplates")
_JOB = ("completions", "parallelism", "selector", "template", "completionMode")

REPLACING: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("apps", "Deployment"): _SELECTOR,
    ("apps", "DaemonSet"): _SELECTOR,
    ("apps", "StatefulSet"): tuple(f"spec.{each}" for each in _SET),
    ("batch", "Job"): tuple(f"spec.{each}" for each in _JOB),
    ("", "Pod"): ("spec",),
    ("", "PersistentVolumeClaim"): tuple(f"spec.{each}" for each in _CLAIM),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "Secret"): ("type",),
    ("", "Service"): ("spec.clusterIP",),
    ("rbac.authorization.k8s.io", "RoleBinding"): _BINDING,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _BINDING,
    ("storage.k8s.io", "StorageClass"): (
        "parameters",
        "provisioner",
        "reclaimPolicy",
        "volumeBindingMode",
    ),
    ("scheduling.k8s.io", "PriorityClass"): ("value", "globalDefault", "preemptionPolicy"),
}
"""Beside the name and the namespace. As `forceNew` of the real provider, and what the API reference calls
immutable beyond it (a claim's volumeMode and data sources, a StorageClass's modes, a PriorityClass)."""


def replacing(kind: Kind, old: Mapping[str, Any], settings: Settings) -> tuple[str, ...]:
    """The paths whose change needs a new object in place of one with the inputs `old`."""
    paths = IDENTITY + REPLACING.get((kind.group, kind.kind), ())
    immutable = old.get("immutable") is True
    if is_secret(old) and (immutable or not settings.mutable_secrets):
        paths += ("data", "stringData")
    if (kind.api_version, kind.kind) == ("v1", "ConfigMap") and (
        immutable or not settings.mutable_config_maps
    ):
        paths += ("data", "binaryData")
    return paths + (("immutable",) if immutable else ())


def changes(old: Any, new: Any, at: Path = ()) -> Iterator[Path]:
    """The paths at which the inputs differ; an unknown differs."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from changes(old.get(key, _GONE), new.get(key, _GONE), (*at, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before, after = (each[index] if index < len(each) else _GONE for each in (old, new))
            yield from changes(before, after, (*at, index))
    elif old != new or isinstance(old, bool) is not isinstance(new, bool) or new == UNKNOWN:
        yield at


def forces(path: Path, unknown: bool, replaces: tuple[str, ...]) -> bool:
    """Whether a change at `path` replaces the object.

    What is set or removed as a whole changes all that is in it. An unknown may hold the same as before,
    except for the whole metadata: what it was taken from is itself replaced.
    """
    shown = show_path(path)
    for each in replaces:
        if shown == each or shown.startswith((f"{each}.", f"{each}[")):
            return True
        if each.startswith(f"{shown}.") and (not unknown or shown == "metadata"):
            return True
    return False
