"""Previews by the server: what it would make of an object, without keeping it."""

import secrets
from typing import Any

from rehearsal.backend import UNKNOWN, Properties
from rehearsal.kubernetes_backend.cluster import Cluster
from rehearsal.kubernetes_backend.connection import ApiError
from rehearsal.kubernetes_backend.manifest import Ref
from rehearsal.paths import has_at, with_at
from rehearsal.values import Path

MADE_UP: tuple[Path, ...] = (
    ("metadata", "uid"),
    ("metadata", "resourceVersion"),
    ("metadata", "creationTimestamp"),
    ("metadata", "generation"),
    ("spec", "clusterIP"),
    ("spec", "clusterIPs"),
    ("spec", "healthCheckNodePort"),
)
"""What a dry run of a creation picks: the real one gives other values."""

JOB_SELECTOR: Path = ("spec", "selector")
NAME: Path = ("metadata", "name")
LONGEST_NAME = 63


def dry_run(cluster: Cluster, ref: Ref, inputs: Properties, *, under_another_name: bool) -> Properties | None:
    """What an apply would give, or None when the namespace is not there, so that the server cannot look.

    `under_another_name`: an object of this name is there and will be deleted first; its immutable fields
    must not be held against the new one.
    """
    name = f"{ref.name[: LONGEST_NAME - 9]}-{secrets.token_hex(4)}" if under_another_name else ref.name
    try:
        tried = Ref(ref.kind, ref.namespace, name)
        found = cluster.apply(tried, with_at(inputs, NAME, name), dry=True)
    except ApiError as error:
        if error.namespace_missing:
            return None
        raise
    return dict(with_at(found, NAME, ref.name))


def without_made_up(outputs: Properties, inputs: Properties, *, creates: bool) -> Properties:
    """Outputs that hold after the update too; the rest is unknown."""
    made: Any = {key: value for key, value in outputs.items() if key != "status"}
    if creates:
        for path in (*MADE_UP, *([JOB_SELECTOR] if made["kind"] == "Job" else [])):
            if has_at(made, path) and not has_at(inputs, path):
                made = with_at(made, path, UNKNOWN)
    return dict(made)
