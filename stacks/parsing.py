"""From a stack's config to its settings, or to one refusal in the words of the config file."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from catalog.errors import KitError
from components.engines.external import ExternalOptions
from components.engines.ollama.options import OllamaOptions
from components.engines.vllm.options import VllmOptions
from stacks.edge_settings import DockerSiteSettings, EdgeSettings, SiteSettings
from stacks.exposure_settings import IngressSettings, LoadBalancerSettings
from stacks.image_settings import ImageSettings, ModelImageSettings
from stacks.kubernetes_settings import GpuPool, KubernetesSettings
from stacks.model_settings import KeySettings, ModelSettings, OpenWebuiSettings
from stacks.monitoring_settings import MonitoringPorts, MonitoringSettings, PriceSettings, SloSettings
from stacks.scaling_settings import AutoscalingSettings, ScalingSettings, ScheduleSettings
from stacks.settings import NAMESPACE, StackSettings


def parse(
    config: Mapping[str, Any],
    secret_ids: Mapping[str, Any],
    credential_ids: Mapping[str, Any] | None = None,
) -> StackSettings:
    """Check plain config (camelCase keys without namespace) and that every key has its secret.

    With `credential_ids` also that every external endpoint has what it is to be told.
    Raises KitError naming the value, the limit and the next step.
    """
    try:
        settings = StackSettings.model_validate(config, by_name=False, by_alias=True)
    except ValidationError as error:
        raise _refusal(error) from error
    for key_id in settings.key_ids:
        if not secret_ids.get(key_id):
            raise KitError(
                f"key {key_id!r}",
                "has no secret in slm-kit:keySecrets",
                "Run `make up`, which makes missing keys, or `make key NEW=…` for another one.",
            )
    for model in settings.models:
        wants = model.external is not None and model.external.credential != "none"
        if wants and credential_ids is not None and not credential_ids.get(model.name):
            raise KitError(
                f"external model {model.name!r}",
                "has no credential in slm-kit:externalSecrets",
                f"Give it on standard input: make config KEY='externalSecrets[\"{model.name}\"]'",
            )
    return settings


def parse_edge(config: Mapping[str, Any], secret_ids: Mapping[str, Any]) -> EdgeSettings:
    """`parse` for an edge stack. Raises KitError, naming the site where it is about one."""
    try:
        settings = EdgeSettings.model_validate(config, by_name=False, by_alias=True)
    except ValidationError as error:
        raise _refusal(error, EdgeSettings) from error
    for key in (key for site in settings.sites for key in site.keys):
        if not secret_ids.get(key.id):
            raise KitError(
                f"key {key.id!r}",
                "has no secret in slm-kit:keySecrets",
                "Run `make up`, which makes missing keys.",
            )
    return settings


SCHEMAS: Mapping[str, type[BaseModel]] = {
    "models": ModelSettings,
    "keys": KeySettings,
    "openWebui": OpenWebuiSettings,
    "ollama": OllamaOptions,
    "vllm": VllmOptions,
    "external": ExternalOptions,
    "monitoring": MonitoringSettings,
    "kubernetes": KubernetesSettings,
    "autoscaling": AutoscalingSettings,
    "gpuPools": GpuPool,
    "ingress": IngressSettings,
    "loadBalancer": LoadBalancerSettings,
    "images": ImageSettings,
    "modelImages": ModelImageSettings,
    "sites": SiteSettings,
    "docker": DockerSiteSettings,
    "ports": MonitoringPorts,
    "scaling": ScalingSettings,
    "schedule": ScheduleSettings,
    "slo": SloSettings,
    "price": PriceSettings,
}


def _refusal(error: ValidationError, whole: type[BaseModel] = StackSettings) -> KitError:
    """The first thing wrong, in the words of the config file."""
    first = error.errors(include_url=False)[0]
    place = [str(part) for part in first["loc"]]
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    value = f"{NAMESPACE}:{shown.removeprefix('.') or 'the stack config'}"
    schema = next((SCHEMAS[part] for part in reversed(place[:-1]) if part in SCHEMAS), whole)
    where = f"{schema.__module__.replace('.', '/')}.py"
    if first["type"] == "extra_forbidden":
        names = [field.alias or name for name, field in schema.model_fields.items()]
        near = difflib.get_close_matches(place[-1], names, n=1)
        step = f"Did you mean {near[0]}?" if near else "Remove it."
        return KitError(value, "there is no such setting", f"{step} {where} lists all.")
    # What was typed is shown, but not where it may be a secret that was put into the wrong place.
    if (
        first["type"] != "missing"
        and "external" not in place
        and isinstance(first["input"], str | int | float)
    ):
        value += f" {first['input']!r}"
    return KitError(value, first["msg"], f"{where} documents the limits and defaults.")
