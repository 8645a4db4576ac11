"""Reads Pulumi config into settings; the only place that touches pulumi.Config."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import pulumi
from pulumi.runtime.config import is_config_secret

from catalog.errors import KitError
from stacks.base import Settings
from stacks.parsing import parse
from stacks.settings import NAMESPACE, StackSettings
from stacks.stack_file import config_of

SECRET_KEYS = ("keySecrets", "downloadSettings", "passwords", "externalSecrets", "receiverSecrets")
MONITORING_PASSWORD = "monitoring"
"""Name of the password of Prometheus, Alertmanager and Grafana."""
PROXY_NAMES = {"httpProxy": "HTTP_PROXY", "httpsProxy": "HTTPS_PROXY", "noProxy": "NO_PROXY"}


def _forms() -> Iterator[tuple[str, type[list[Any]] | type[dict[str, Any]]]]:
    for name, field in StackSettings.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        if get_origin(field.annotation) is tuple:
            yield field.alias or name, list
        elif any(isinstance(kind, type) and issubclass(kind, Settings) for kind in kinds):
            yield field.alias or name, dict


STRUCTURED_KEYS = dict(_forms())
"""Plain config keys that are a list or an object, to which of both."""


def plain_keys() -> tuple[str, ...]:
    """The plain config keys, as they are written in the stack's file."""
    return tuple(field.alias or name for name, field in StackSettings.model_fields.items())


def read_settings() -> StackSettings:
    """The running stack's settings. Raises KitError before any resource is registered."""
    config = pulumi.Config(NAMESPACE)
    refuse_unknown_keys(_keys_in_file(pulumi.get_stack()))
    refuse_secrets_in_the_clear(SECRET_KEYS)
    values: dict[str, Any] = {}
    for key in plain_keys():
        value = config.get_object(key) if key in STRUCTURED_KEYS else config.get(key)
        # Pulumi asks for every declared key without a default: empty stands for not set.
        if value not in (None, ""):
            values[key] = value
    # Only whether each key id has a secret is looked at here; the values stay in the Output.
    settings = parse(values, config.get_object("keySecrets") or {}, known_credentials())
    if settings.open_webui is not None and not config.get_object("passwords"):
        raise KitError("openWebui", "has no password yet", "Run `make up`, which makes it.")
    if settings.monitoring.enabled and MONITORING_PASSWORD not in (config.get_object("passwords") or {}):
        raise KitError("monitoring", "has no password yet", "Run `make up`, which makes it.")
    return settings


def known_credentials() -> Mapping[str, str]:
    """The credentials of external endpoints, to look at; what is registered comes from the Output below."""
    return pulumi.Config(NAMESPACE).get_object("externalSecrets") or {}


def key_secrets() -> pulumi.Output[Mapping[str, str]]:
    """Key id to API key, secret."""
    return pulumi.Config(NAMESPACE).require_secret_object("keySecrets")


def external_credentials() -> pulumi.Output[Mapping[str, str]]:
    """Model name to the credential of its external endpoint, secret."""
    return pulumi.Config(NAMESPACE).get_secret_object("externalSecrets") or pulumi.Output.secret({})


def password(name: str) -> pulumi.Output[str]:
    """A password of the stack, secret. `make up` makes those that the settings call for."""
    return pulumi.Config(NAMESPACE).require_secret_object("passwords").apply(lambda all_: str(all_[name]))


def known_receiver_secrets() -> Mapping[str, str]:
    """The secrets of alert receivers, to look at; what is registered comes from the Output below."""
    return pulumi.Config(NAMESPACE).get_object("receiverSecrets") or {}


def receiver_secrets() -> pulumi.Output[Mapping[str, str]]:
    """Receiver name to its URL, key or password, secret."""
    return pulumi.Config(NAMESPACE).get_secret_object("receiverSecrets") or pulumi.Output.secret({})


def download_settings() -> pulumi.Output[str] | None:
    """JSON of the secret download settings, where the stack has them."""
    return pulumi.Config(NAMESPACE).get_secret("downloadSettings")


def build_proxies() -> dict[str, pulumi.Output[str]]:
    """The machine's proxies under the names that builds know, both spellings; secret."""
    settings = pulumi.Config(NAMESPACE).get_object("downloadSettings") or {}
    found: dict[str, pulumi.Output[str]] = {}
    for key, name in PROXY_NAMES.items():
        if key in settings:
            found[name] = found[name.lower()] = pulumi.Output.secret(settings[key])
    return found


def refuse_secrets_in_the_clear(keys: Iterable[str]) -> None:
    """Raise KitError for a secret of the running stack that its file holds as plain text."""
    for key in keys:
        name = f"{NAMESPACE}:{key}"
        if pulumi.Config(NAMESPACE).get(key) and not is_config_secret(name):
            raise KitError(
                name, "is in the clear",
                "Take it out of the file; `make config` sets it (vaultSecrets: see docs/guides/aks.md).",
            )  # fmt: skip


def refuse_unknown_keys(keys: Iterable[str]) -> None:
    """Raise KitError for the first key of our namespace that no setting has."""
    known = (*plain_keys(), *SECRET_KEYS)
    for key in keys:
        namespace, _, name = key.partition(":")
        if namespace == NAMESPACE and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            step = f"Did you mean {NAMESPACE}:{near[0]}?" if near else "Remove it."
            raise KitError(key, "there is no such setting", f"{step} Pulumi.yaml lists all.")


def _keys_in_file(stack: str) -> Iterable[str]:
    """Pulumi gives a program the keys it asks for only; a misspelt one shows in the file alone."""
    path = Path(__file__).with_name(f"Pulumi.{stack}.yaml")
    if not path.is_file():
        return ()
    return config_of(path)
