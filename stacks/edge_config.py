"""Reads the config of an edge stack."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pulumi

from catalog.errors import KitError
from stacks.config import refuse_secrets_in_the_clear
from stacks.edge_settings import EdgeSettings
from stacks.parsing import parse_edge
from stacks.settings import NAMESPACE
from stacks.stack_file import config_of

SECRETS = ("keySecrets", "downloadSettings")


def edge_keys() -> tuple[str, ...]:
    """The plain config keys of an edge stack, as they are written in its file."""
    return tuple(field.alias or name for name, field in EdgeSettings.model_fields.items())


def read_edge_settings() -> EdgeSettings:
    """The running stack's settings. Raises KitError before any resource is registered."""
    config = pulumi.Config(NAMESPACE)
    path = Path(__file__).with_name(f"Pulumi.{pulumi.get_stack()}.yaml")
    if path.is_file():
        refuse_unknown(config_of(path))
    refuse_secrets_in_the_clear(SECRETS)
    values: dict[str, Any] = {}
    for key in edge_keys():
        value = config.get_object(key) if key == "sites" else config.get(key)
        # Pulumi asks for every declared key without a default: empty stands for not set.
        if value not in (None, ""):
            values[key] = value
    # Only whether each key id has a secret is looked at here; the values stay in the Output.
    return parse_edge(values, config.get_object("keySecrets") or {})


def refuse_unknown(keys: Iterable[str]) -> None:
    """Raise KitError for the first key of our namespace that an edge stack does not have."""
    known = (*edge_keys(), *SECRETS)
    for key in keys:
        namespace, _, name = key.partition(":")
        if namespace == NAMESPACE and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            step = f"Did you mean {NAMESPACE}:{near[0]}?" if near else "Remove it."
            raise KitError(
                key, "an edge stack has no such setting", f"{step} stacks/edge_settings.py lists all."
            )
