"""The provider's inputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.backend import RefusedError

IGNORED = ("clusterIdentifier",)
"""Tells the real engine whether two providers reach one cluster; the rehearsal replaces for neither."""

TEXTS = ("kubeconfig", "context", "namespace")
SWITCHES = ("enableServerSideApply", "enableConfigMapMutable", "enableSecretMutable", "upsertExistingObjects")


@dataclass(frozen=True)
class Settings:
    """Which cluster, and how objects change.

    `kubeconfig` is a path or the content; default KUBECONFIG, else `~/.kube/config`. `context` defaults
    to the current one, `namespace` to the context's, else `default`. A changed ConfigMap or Secret is
    replaced unless its switch says that it is changed in place (the provider's default too). `upsert`:
    an object that is there already is taken over, whoever made it.
    """

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    mutable_config_maps: bool = False
    mutable_secrets: bool = False
    upsert: bool = False


def settings_of(inputs: Mapping[str, Any]) -> Settings:
    """The settings. Raises RefusedError naming an input that is not implemented."""
    unknown = sorted({*inputs} - {*TEXTS, *SWITCHES, *IGNORED})
    if unknown:
        raise RefusedError(
            f"the rehearsal does not implement the kubernetes provider's input {', '.join(unknown)} (it "
            f"has: {', '.join((*TEXTS, *SWITCHES))}). Next step: remove it (or the PULUMI_K8S_* variable "
            "that sets it)"
        )
    for key in TEXTS:
        if key in inputs and not isinstance(inputs[key], str):
            raise RefusedError(f"the kubernetes provider's input {key} must be text. Next step: correct it")
    if not _switch(inputs, "enableServerSideApply", default=True):
        raise RefusedError(
            "the kubernetes provider's input enableServerSideApply is false; the rehearsal always applies "
            "on the server. Next step: remove it"
        )
    return Settings(
        kubeconfig=inputs.get("kubeconfig") or None,
        context=inputs.get("context") or None,
        namespace=inputs.get("namespace") or None,
        mutable_config_maps=_switch(inputs, "enableConfigMapMutable", default=False),
        mutable_secrets=_switch(inputs, "enableSecretMutable", default=False),
        upsert=_switch(inputs, "upsertExistingObjects", default=False),
    )


def _switch(inputs: Mapping[str, Any], key: str, *, default: bool) -> bool:
    # The SDK hands over a provider's booleans as JSON text.
    found = {"true": True, "false": False}.get(str(inputs.get(key, default)).lower())
    if found is None:
        raise RefusedError(f"the kubernetes provider's input {key} is true or false. Next step: correct it")
    return found
