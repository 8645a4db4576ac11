"""Every site of an edge stack as data, computed and refused before the first resource."""

from dataclasses import dataclass, replace

from catalog.errors import KitError
from catalog.sizing.memory import MIB
from components.gateway.types import GatewayLimits
from stacks.edge_settings import EdgeSettings, SiteSettings, of_site
from stacks.kubernetes_platform import check_plan
from stacks.monitoring_settings import MonitoringSettings
from stacks.plan import Plan, plan
from stacks.settings import StackSettings


@dataclass(frozen=True)
class SitePlan:
    """What a site will be: a small stack of its own."""

    site: SiteSettings
    settings: StackSettings
    made: Plan

    @property
    def table(self) -> str:
        """The site and its sizes."""
        site, machine = self.site, self.site.machine
        what = machine.title if machine.arch is None else f"{machine.title}, {machine.arch}"
        return f"site {site.name}: {what}; {site.location}, ring {site.ring}\n{self.made.table}"


def plan_sites(settings: EdgeSettings) -> tuple[SitePlan, ...]:
    """All sites. Raises KitError that names the site and its model, whatever cannot work."""
    return tuple(_planned(site, settings) for site in settings.sites)


def _planned(site: SiteSettings, settings: EdgeSettings) -> SitePlan:
    try:
        _refuse_outside(site)
        own = _settings(site, settings)
        made = plan(own)
        if site.kubernetes is not None:
            check_plan(made, own, site.kubernetes)
    except KitError as error:
        raise of_site(site.name, error) from error
    return SitePlan(site, own, _with_speed(made, site))


def _with_speed(made: Plan, site: SiteSettings) -> Plan:
    """How fast the memory of a machine is, the catalog knows; `plan` looks at a machine that nobody knows."""
    if site.machine.kind != "cpu":
        return made
    known = {"bandwidth": site.machine.bandwidth}
    hosted = (
        replace(each, fit=replace(each.fit, hardware=each.fit.hardware.model_copy(update=known)))
        for each in made.hosted
    )
    return replace(made, hosted=tuple(hosted))


def _refuse_outside(site: SiteSettings) -> None:
    for model in site.models:
        if model.engine == "external":
            raise KitError(
                f"external model {model.name}",
                "a site answers with its uplink down",
                "Name an engine of the site, or leave it to the kit.",
            )


def _settings(site: SiteSettings, settings: EdgeSettings) -> StackSettings:
    """The site as a stack of its own: what is known of its machine stands for what `make up` would find."""
    machine = site.machine
    memory = site.memory_mib
    if memory is None and machine.is_machine:
        # What is reserved there is for the gateway too; here it is counted by itself.
        memory = machine.usable // MIB + GatewayLimits().memory_mib
    shared = settings.model_dump(include={"images", "image_base", "build_base", "model_source"})
    door = {} if site.docker is None else site.docker.model_dump(include={"gateway_address", "gateway_port"})
    return StackSettings(
        target=settings.target,
        models=site.models,
        keys=site.keys,
        engine_cpus=site.cpus or machine.cores,
        engine_memory_mib=memory,
        hardware=site.hardware if machine.kind == "gpu" else None,
        hardware_gpus=site.hardware_gpus,
        certificate_authorities=settings.certificate_authorities,
        kubernetes=site.kubernetes,
        monitoring=MonitoringSettings(enabled=False),
        **shared,
        **door,
    )
