"""Who owns how many replicas a model has on a cluster: its Deployment, KEDA, or an HPA."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.autoscaler import Autoscaler, AutoscalerArgs, PrometheusLogin, PrometheusLoginArgs
from components.autoscaling.types import DemandScaling, Scaling
from components.platforms.kubernetes import KubernetesPlatform
from monitoring.watched import ADDRESSES
from stacks.config import MONITORING_PASSWORD, password
from stacks.kubernetes_settings import KubernetesSettings
from stacks.plan import Plan
from stacks.scaling import check_gpus, recommended_of, scaling_of
from stacks.settings import StackSettings

GATEWAY, PROMETHEUS = "gateway", "prometheus"


@dataclass(frozen=True)
class Scaler:
    """What acts on one Deployment, or looks at it."""

    scaling: Scaling | None
    """None where the count is the Deployment's own."""
    recommended: tuple[str, ...]


def scalers_of(made: Plan, settings: StackSettings, cluster: KubernetesSettings) -> dict[str, Scaler]:
    """By workload: of models, and of the gateway. Raises KitError for what cannot work."""
    models = {model.name: model for model in settings.hosted}
    check_gpus([(each, models[each.serving.name].scaling) for each in made.hosted], cluster.gpus)
    found: dict[str, Scaler] = {}
    for hosted in made.hosted:
        model = models[hosted.serving.name]
        scaling = scaling_of(
            model,
            model.scaling,
            hosted,
            settings.autoscaling,
            watched=settings.monitoring.enabled,
            cpu_share=cluster.cpu_share,
        )
        recommended = recommended_of(scaling, settings.autoscaling)
        if scaling or recommended:
            found[model.name] = Scaler(scaling, recommended)
    recommended = recommended_of(None, settings.autoscaling)
    return {**found, GATEWAY: Scaler(None, recommended)} if recommended else found


def scaled(scalers: Mapping[str, Scaler]) -> dict[str, int]:
    """Workloads whose Deployment must not say how many replicas there are, and how many there may be."""
    return {name: each.scaling.max_replicas for name, each in scalers.items() if each.scaling}


def by_demand(scalers: Mapping[str, Scaler]) -> bool:
    """Whether KEDA asks Prometheus, and must be let in."""
    return any(isinstance(each.scaling, DemandScaling) for each in scalers.values())


def scale(scalers: Mapping[str, Scaler], platform: KubernetesPlatform) -> None:
    """Make the scalers of what runs already."""
    login = _login(platform) if by_demand(scalers) else None
    alias, port = ADDRESSES.prometheus.split(":")
    for name, each in scalers.items():
        args: AutoscalerArgs = {
            "namespace": platform.namespace,
            "stack": pulumi.get_stack(),
            "deployment": platform.running(name).object_name,
            "scaling": each.scaling,
            "recommended": each.recommended,
        }
        if login is not None:
            args["prometheus"] = f"http://{platform.address(alias)}:{port}"
            args["login"] = login.authentication
        # The platform's cluster is theirs too.
        Autoscaler(name, args, pulumi.ResourceOptions(parent=platform))


def _login(platform: KubernetesPlatform) -> PrometheusLogin:
    args: PrometheusLoginArgs = {
        "namespace": platform.namespace,
        "stack": pulumi.get_stack(),
        "password": password(MONITORING_PASSWORD),
    }
    return PrometheusLogin("prometheus-login", args, pulumi.ResourceOptions(parent=platform))
