"""Reads the config of an aks stack into settings, or into one refusal in the words of the config file."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pydantic import ValidationError

from catalog.errors import KitError
from components.key_vault import check_vault
from stacks.aks_settings import AksSettings
from stacks.config import refuse_secrets_in_the_clear
from stacks.settings import NAMESPACE
from stacks.stack_file import config_of

VAULT_SECRETS = "vaultSecrets"
"""Secret config: name of a vault's secret to its value."""
PLAIN = frozenset(
    {"target", "runner", "subscriptionId", "tenantId", "location", "clusterName", "kubernetesVersion"}
)


def aks_keys() -> tuple[str, ...]:
    """The plain config keys of an aks stack, as they are written in its file."""
    return tuple(field.alias or name for name, field in AksSettings.model_fields.items())


def read_aks_settings() -> AksSettings:
    """The running stack's settings. Raises KitError before any resource is registered."""
    config = pulumi.Config(NAMESPACE)
    refuse_secrets_in_the_clear((VAULT_SECRETS,))
    values: dict[str, Any] = {}
    for key in aks_keys():
        value = config.get(key) if key in PLAIN else config.get_object(key)
        # Pulumi asks for every declared key without a default: empty stands for not set.
        if value not in (None, ""):
            values[key] = value
    # A program is given the keys that it asks for; a misspelt one shows in the file alone.
    values.update(dict.fromkeys(_unknown_in_file(pulumi.get_stack())))
    settings = parse_aks(values)
    # Only the names are looked at here; the values stay in the Output.
    names = dict.fromkeys(config.get_object(VAULT_SECRETS) or {})
    check_vault([each.as_reader() for each in settings.vault.readers], names)
    return settings


def vault_secrets() -> Mapping[str, pulumi.Output[str]]:
    """Name to value, secret."""
    config = pulumi.Config(NAMESPACE)
    values = config.get_secret_object(VAULT_SECRETS)
    return (
        {}
        if values is None
        else {name: _value(values, name) for name in config.get_object(VAULT_SECRETS) or {}}
    )


def _unknown_in_file(stack: str) -> list[str]:
    """Keys of our namespace in the stack's file that an aks stack does not have."""
    path = Path(__file__).with_name(f"Pulumi.{stack}.yaml")
    config = config_of(path) if path.is_file() else {}
    names = [key.removeprefix(f"{NAMESPACE}:") for key in config if key.startswith(f"{NAMESPACE}:")]
    return [name for name in names if name not in (*aks_keys(), VAULT_SECRETS)]


def _value(values: pulumi.Output[Any], name: str) -> pulumi.Output[str]:
    return values.apply(lambda found: str(found[name]))


def parse_aks(config: Mapping[str, Any]) -> AksSettings:
    """Check plain config (camelCase keys without namespace). Raises KitError for the first thing wrong."""
    try:
        return AksSettings.model_validate(config, by_name=False, by_alias=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = [str(part) for part in first["loc"]]
        value = f"{NAMESPACE}:{'.'.join(place) or 'the stack config'}"
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(place[-1], aks_keys(), n=1) if len(place) == 1 else []
            step = f"Did you mean {near[0]}?" if near else "Remove it."
            refusal = KitError(value, "there is no such setting", f"{step} stacks/aks_settings.py lists all.")
        else:
            if first["type"] != "missing" and isinstance(first["input"], str | int | float):
                value += f" {first['input']!r}"
            refusal = KitError(value, first["msg"], "stacks/aks_settings.py and aks_pools.py document it.")
        raise refusal from error
