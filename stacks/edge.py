"""Models on many small sites: each with its own engines, gateway and keys, none needing another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_docker as docker

from catalog.errors import HostError
from components.edge_site import EdgeSite
from components.gateway.component import Gateway, endpoint_of
from components.gateway.types import PUBLIC_PORT
from components.platforms.docker import DockerPlatform, DockerPlatformArgs
from components.platforms.kubernetes import KubernetesPlatform
from stacks.edge_config import read_edge_settings
from stacks.edge_plan import SitePlan, plan_sites
from stacks.edge_settings import DockerSiteSettings
from stacks.gateway import gateway_args
from stacks.kubernetes_exposure import certificate, let_in
from stacks.kubernetes_place import namespace_of_site
from stacks.kubernetes_platform import GATEWAY, STORE, platform_args, reached
from stacks.kubernetes_settings import KubernetesSettings
from stacks.local_images import LocalImages
from stacks.named_images import NamedDockerImages, NamedImages
from stacks.reach import unreachable
from stacks.services import model_services
from stacks.store import models_of, store_args


@dataclass(frozen=True)
class _Place:
    """Where the parts of a site go."""

    site: EdgeSite
    platform: DockerPlatform | KubernetesPlatform
    images: LocalImages | NamedImages
    endpoint: str


def program() -> None:
    """Compose the stack from its config.

    An update looks first which sites answer. It leaves out those that do not, and fails at its end: that
    is what keeps their resources in the state, as a failed update deletes nothing.
    """
    settings = read_edge_settings()
    plans = plan_sites(settings)
    for each in plans:
        pulumi.log.info(each.table)
    # A preview or a render asks nobody.
    away = {} if pulumi.runtime.is_dry_run() else unreachable(settings.sites)
    served = [each for each in plans if each.site.name not in away]
    pulumi.export("sites", {each.site.name: _serve(each) for each in served})
    pulumi.export("skipped", sorted(away))
    if away:
        raise _skipped(away, [each.site.name for each in served])


def _skipped(away: Mapping[str, str], served: list[str]) -> HostError:
    return HostError(
        f"{'; '.join(f'site {name} cannot be reached ({why})' for name, why in sorted(away.items()))}",
        f"skipped, and as it was; {', '.join(served) or 'no other site'} is up to date, except for what"
        " else failed and what left the config",
        "Run the same again once the site answers; it completes the rest.",
    )


def _serve(wanted: SitePlan) -> dict[str, Any]:
    """All of one site; what the stack says of it."""
    site, made = wanted.site, wanted.made
    prefix = f"{site.name}--"
    place = _place(wanted, prefix)
    child = pulumi.ResourceOptions(parent=place.site)
    platform = place.platform
    args = store_args(platform, place.images.store, made.authorities)
    images = None if site.kubernetes is None else site.kubernetes.models_prefix
    store = models_of(f"{prefix}{STORE}", images, args, child)
    model_services(made, platform, store, place.images, prefix, child)
    routes = reached(made.routes, platform)
    image = place.images.gateway()
    name = f"{prefix}{GATEWAY}"
    secret = certificate(site.kubernetes, platform, name)
    door = gateway_args(
        made, wanted.settings, platform, image, routes, certificate=secret, keys=f"{prefix}keys", opts=child
    )
    Gateway(name, door, child)
    outside = let_in(site.kubernetes, platform, name, wanted.settings.gateway_port)
    return {
        "endpoint": outside.pop("url", place.endpoint),
        **outside,
        "location": site.location,
        "ring": site.ring,
        "models": {e.serving.name: f"{e.decision.variant} on {e.decision.engine}" for e in made.hosted},
    }


def _place(wanted: SitePlan, prefix: str) -> _Place:
    site = wanted.site
    labels = {"slm-kit.site": site.name, "slm-kit.location": site.location, "slm-kit.ring": site.ring}
    if site.docker is not None:
        return _on_docker(wanted, site.docker, prefix, labels)
    assert site.kubernetes is not None  # one of both: SiteSettings
    return _on_kubernetes(wanted, site.kubernetes, prefix, labels)


def _on_docker(
    wanted: SitePlan, engine: DockerSiteSettings, prefix: str, labels: Mapping[str, str]
) -> _Place:
    provider = docker.Provider(f"{prefix}engine", host=engine.host)
    site = EdgeSite(wanted.site.name, {"labels": labels}, pulumi.ResourceOptions(providers=[provider]))
    child = pulumi.ResourceOptions(parent=site)
    gpus = {f"{prefix}{each.serving.name}": each.devices for each in wanted.made.hosted if each.devices}
    args: DockerPlatformArgs = {"stack": pulumi.get_stack(), "gpus": gpus}
    if wanted.settings.engine_cpus is not None:
        args["cpus"] = wanted.settings.engine_cpus
    images = (
        LocalImages(wanted.settings, prefix, child)
        if engine.images is None
        else NamedDockerImages(engine.images, prefix, child)
    )
    endpoint = endpoint_of(engine.gateway_address, engine.gateway_port)
    return _Place(site, DockerPlatform(f"{prefix}local", args, child), images, endpoint)


def _on_kubernetes(
    wanted: SitePlan, cluster: KubernetesSettings, prefix: str, labels: Mapping[str, str]
) -> _Place:
    stack, name = pulumi.get_stack(), wanted.site.name
    site = EdgeSite(name, {"labels": labels})
    namespace = namespace_of_site(cluster, stack, name)
    # A box that comes back with another address is the same site.
    args = platform_args(wanted.made, cluster, namespace, prefix, identifier=f"{stack}-{name}")
    platform = KubernetesPlatform(f"{prefix}cluster", args, pulumi.ResourceOptions(parent=site))
    address = platform.address(f"{prefix}{GATEWAY}")
    return _Place(site, platform, NamedImages(cluster.images), f"http://{address}:{PUBLIC_PORT}/v1")
