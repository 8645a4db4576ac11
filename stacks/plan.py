"""Everything that a stack will be, as data: computed and refused before the first resource is registered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog import models as catalog
from catalog.errors import KitError
from catalog.sizing.fit import Fit
from catalog.sizing.memory import MIB
from catalog.sizing.table import SizeRow, size_row, stack_table
from components.engines.contract import Serving
from components.engines.registry import RECIPES
from components.gateway.config import GatewayLimits, KeyGrant, Route, render
from components.gateway.upstreams import needs_credentials, render_credentials
from components.models import STORE_PATH
from components.monitoring.memory import memory_mib
from components.workload import Mount, Workload
from stacks.decision import Decision, processors
from stacks.gpu_pools import decide_where
from stacks.model_settings import ModelSettings
from stacks.scaling_settings import AutoscalingSettings, ScalingSettings
from stacks.serving import grants_of, routes_of, serving_of
from stacks.settings import StackSettings
from stacks.sizing import fit_of

LIMITS = GatewayLimits(drain_s=120)
"""Bounds of the gateway on one machine."""


@dataclass(frozen=True)
class Hosted:
    """One model that an engine of the stack serves."""

    decision: Decision
    fit: Fit
    serving: Serving
    workload: Workload
    """What its recipe makes of it, on volumes and an image that are not there yet."""
    devices: tuple[int, ...]
    """Numbers of the machine's GPUs that are its own."""


@dataclass(frozen=True)
class Plan:
    """What the composition registers."""

    hosted: tuple[Hosted, ...]
    routes: tuple[Route, ...]
    grants: tuple[KeyGrant, ...]
    authorities: str | None
    """The stack's own authorities, PEM."""

    @property
    def sizes(self) -> list[SizeRow]:
        """A row a hosted model."""
        return [size_row(each.fit, each.serving.name) for each in self.hosted]

    @property
    def table(self) -> str:
        """The sizes, and why an engine was chosen where the kit chose."""
        if not self.hosted:
            return "no model of this stack needs memory here"
        reasons = [f"{e.serving.name}: {e.decision.reason}" for e in self.hosted if e.decision.reason]
        return "\n".join(["memory in GiB", stack_table(self.sizes), *reasons])


def plan(settings: StackSettings) -> Plan:
    """The whole stack. Raises KitError for whatever cannot work."""
    authorities = _authorities(settings)
    _refuse_scaling(settings)
    decisions = {model.name: decide_where(model, settings) for model in settings.hosted}
    devices = _devices(settings, decisions)
    hosted = tuple(
        _hosted(model, decisions[model.name], devices[model.name], settings) for model in settings.hosted
    )
    _fit_together(hosted, settings)
    routes = tuple(
        route for model in settings.models for route in routes_of(model, decisions.get(model.name))
    )
    grants = tuple(grants_of(settings))
    # The gateway refuses names, fallbacks and authorities that it cannot take.
    render(routes, grants, authorities=authorities)
    return Plan(hosted, routes, grants, authorities)


def _refuse_scaling(settings: StackSettings) -> None:
    """One machine has one replica of each model: what nobody would do is not accepted."""
    if settings.kubernetes is not None:
        return
    asked = {
        f"scaling of model {model.name}": model.scaling != ScalingSettings() for model in settings.models
    }
    asked["slm-kit:autoscaling"] = settings.autoscaling != AutoscalingSettings()
    for what, given in asked.items():
        if given:
            raise KitError(
                what,
                f"target {settings.target} has one replica of each model, always",
                "Remove it, or serve on a cluster (slm-kit:target kubernetes).",
            )


def check_credentials(made: Plan, credentials: Mapping[str, str]) -> None:
    """Raise KitError for a credential that is missing, not asked for, or not one."""
    if credentials or needs_credentials(made.routes):
        render_credentials(made.routes, credentials)


def _hosted(
    model: ModelSettings, decision: Decision, devices: tuple[int, ...], settings: StackSettings
) -> Hosted:
    known = catalog.find(model.catalog_name)
    catalog.require_locked(known, decision.variant)
    found = fit_of(model, decision, settings)
    serving = serving_of(model, decision, found, settings)
    # The recipe refuses settings that its engine cannot take.
    workload = RECIPES[decision.engine].workload(serving, "planned", [_models(settings)])
    return Hosted(decision, found, serving, workload, devices)


def _models(settings: StackSettings) -> Mount:
    images = settings.kubernetes is not None and settings.kubernetes.model_images is not None
    return Mount(STORE_PATH, image="planned") if images else Mount(STORE_PATH, volume="planned")


def _authorities(settings: StackSettings) -> str | None:
    path = settings.certificate_authorities
    return None if path is None else path.read_text()


def _fit_together(hosted: Sequence[Hosted], settings: StackSettings) -> None:
    """Models, those on GPUs too, and what watches them share main memory."""
    models = sum(each.serving.memory_mib for each in hosted)
    watching = memory_mib(settings.monitored_ports, gpus=any(each.devices for each in hosted))
    machine = processors(settings)
    if settings.engine_memory_mib is not None and models + watching > machine.usable // MIB:
        raise KitError(
            f"{models} MiB of memory for {len(hosted)} models and {watching} MiB for monitoring",
            f"{machine.title} has {machine.usable // MIB} MiB for them",
            "Lower contextLength or concurrency, serve fewer models, give the engine more memory, or turn "
            "monitoring off (slm-kit:monitoring: {enabled: false}).",
        )


def _devices(settings: StackSettings, decisions: Mapping[str, Decision]) -> dict[str, tuple[int, ...]]:
    """Each GPU belongs to one engine: those that config names, then the first that are free.

    None has a number on a cluster, which gives them out itself.
    """
    if settings.kubernetes is not None:
        return dict.fromkeys(decisions, ())
    named = [number for model in settings.hosted for number in model.gpu_devices]
    free = [number for number in range(settings.hardware_gpus) if number not in named]
    found: dict[str, tuple[int, ...]] = {}
    for model in settings.hosted:
        count = decisions[model.name].gpus
        own = model.gpu_devices or tuple(free[:count])
        free = free if model.gpu_devices else free[count:]
        if (
            len(own) != count
            or len(set(named)) != len(named)
            or max(own, default=0) >= settings.hardware_gpus
        ):
            raise KitError(
                f"{count} GPUs for model {model.name}",
                f"the machine has {settings.hardware_gpus}, and each belongs to one model",
                "Set slm-kit:hardwareGpus to how many there are, or gpuDevices of each model to its own.",
            )
        found[model.name] = own
    return found
