"""The monitoring set of a stack on a cluster."""

import math
from collections.abc import Callable, Mapping, Sequence

import pulumi

from components.monitoring.component import Monitoring, MonitoringArgs
from components.monitoring.memory import MEMORY_MIB
from components.platform import Platform
from components.platforms.kubernetes_names import GPU_EXPORTER, full_name
from monitoring.receiver_secrets import secret_files
from monitoring.watched import Watched, WatchedCluster
from stacks.config import MONITORING_PASSWORD, known_receiver_secrets, password, receiver_secrets
from stacks.kubernetes_placement import plugs_namespace
from stacks.plan import LIMITS, Plan
from stacks.settings import StackSettings
from stacks.watching import watched_of

PARTS = tuple(MEMORY_MIB)
"""Names of its workloads: no model can have one of them, or one with `-published` behind it."""
METRICS, GIB = "prometheus-data", 2**30
LOKI_GIB = 8
ALERTMANAGER_GIB = 1


def monitored(made: Plan, settings: StackSettings, namespace: str) -> Watched | None:
    """What there is to watch; None where monitoring is off. Raises KitError for receivers without secrets."""
    if not settings.monitoring.enabled:
        return None
    secret_files(settings.monitoring.receivers, known_receiver_secrets())
    gpus = settings.kubernetes is not None and settings.kubernetes.gpu_metrics_for is not None
    exporter = full_name(GPU_EXPORTER, plugs_namespace(namespace)) if gpus else None
    cluster = WatchedCluster(namespace, volumes_gib(settings)[METRICS] * GIB, exporter)
    return watched_of(
        pulumi.get_stack(), made, settings, LIMITS, cluster, lambda alias: full_name(alias, namespace)
    )


def volumes_gib(settings: StackSettings) -> Mapping[str, int]:
    """Sizes of its volumes. Prometheus writes a block before it deletes an older one."""
    return {
        METRICS: math.ceil(settings.monitoring.storage_gib * 1.25) + 1,
        "loki-data": LOKI_GIB,
        "alertmanager-data": ALERTMANAGER_GIB,
    }


def monitor(
    watched: Watched,
    settings: StackSettings,
    platform: Platform,
    image: Callable[[str], pulumi.Input[str]],
    services: Sequence[pulumi.Resource],
) -> None:
    """Run it, and export the addresses of its pages: those that `kubectl port-forward` gives them.

    `services` are there first: models that are still fetched and loaded are not missed.
    """
    wanted = settings.monitoring
    names = ("prometheus", "alertmanager", *(("grafana",) if wanted.grafana else ()))
    args: MonitoringArgs = {
        "platform": platform,
        "image": image,
        "watched": watched,
        "password": password(MONITORING_PASSWORD),
        "ports": {name: getattr(wanted.ports, name) for name in names},
        "storage_gib": wanted.storage_gib,
        "receivers": wanted.receivers,
        "receiver_secrets": receiver_secrets(),
    }
    if wanted.runbooks is not None:
        args["runbooks"] = wanted.runbooks
    after = pulumi.ResourceOptions(depends_on=list(services))
    pulumi.export("monitoring", Monitoring("monitoring", args, after).pages)
