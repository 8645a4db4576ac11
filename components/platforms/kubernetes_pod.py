"""Pure translation of a Workload into the pod that runs it."""

import math
from collections.abc import Mapping, Sequence

import pulumi
from pulumi_kubernetes import core

from components.platforms.kubernetes_names import cpu_quantity, dns_label, memory_quantity
from components.platforms.kubernetes_places import Placement, beside, spread, tolerations
from components.platforms.kubernetes_volumes import Sources, pod_volumes
from components.workload import CONFIG_PATH, KIT_USER, Kind, Probe, Resources, Workload

GPU = "nvidia.com/gpu"

ENDPOINT_SECONDS = 15
"""From the end of a pod to the stop signal, in which it answers as ever while it leaves the lists of others:
EndpointSlices at once, kube-proxy's rules and DNS within seconds. An answer of DNS may be cached for 30 s
(`cache` in the Corefile of kubeadm); the gateway asks every engine each second whether it is ready, and does
not believe a list. 15 s is what engines count on that cannot tell others that they end
(components/engines/vllm/recipe.py). The kubelet waits for it (`preStop.sleep`): Kubernetes 1.30 or later."""

MARGIN_SECONDS = 5
"""Between the end of the drain and the kill."""


def pod_spec(
    name: str, workload: Workload, sources: Sources, placement: Placement, labels: Mapping[str, str]
) -> core.v1.PodSpecArgsDict:
    """The pod: level `restricted` of Pod Security, a read-only root, and no token of the cluster.

    `labels` select it and its replicas.
    """
    volumes, mounts = pod_volumes(workload, sources)
    gpus = workload.resources.gpus
    spec: core.v1.PodSpecArgsDict = {
        "service_account_name": sources.account,
        "automount_service_account_token": False,
        "enable_service_links": False,
        "restart_policy": "Never" if workload.kind is Kind.JOB else "Always",
        "termination_grace_period_seconds": grace_seconds(workload),
        "security_context": _identity(workload.user),
        "containers": [_container(name, workload, mounts, placement)],
        "volumes": volumes,
        "node_selector": dict(placement.node_selector),
        "tolerations": tolerations(gpus, placement),
    }
    if workload.config_check:
        spec["init_containers"] = [_check(workload, mounts, placement)]
    if placement.priority_class is not None:
        spec["priority_class_name"] = placement.priority_class
    if placement.together:
        spec["affinity"] = beside(placement.together)
    elif workload.kind is Kind.SERVICE:
        spec["topology_spread_constraints"] = [spread(labels)]
    return spec


def _identity(user: int) -> core.v1.PodSecurityContextArgsDict:
    """Who the pod runs as, and the group of all files on volumes: the kit's, whoever runs.

    The store is written by one user and read by others; groups of their own would be set on gigabytes again
    and again.
    """
    return {
        "run_as_non_root": True,
        "run_as_user": user,
        "run_as_group": user,
        "fs_group": KIT_USER,
        "fs_group_change_policy": "OnRootMismatch",
        "seccomp_profile": {"type": "RuntimeDefault"},
    }


def grace_seconds(workload: Workload) -> int:
    """From the end of a pod to the kill: nobody sends, what is under way ends, and a margin."""
    return endpoint_seconds(workload) + workload.drain_seconds + MARGIN_SECONDS


def endpoint_seconds(workload: Workload) -> int:
    """How long the stop signal waits for others to stop sending; nobody sends to a job, and a part of the
    monitoring set has no second pod that could be sent to instead."""
    return 0 if workload.kind is Kind.JOB or workload.watches else ENDPOINT_SECONDS


def start_seconds(workload: Workload) -> int:
    """Start-up budget of the program, 0 where nothing asks it."""
    return max((each.start_seconds for each in (workload.readiness, workload.liveness) if each), default=0)


def _container(
    name: str,
    workload: Workload,
    mounts: Sequence[core.v1.VolumeMountArgsDict],
    placement: Placement,
) -> core.v1.ContainerArgsDict:
    resources = _resources(workload.resources, placement, gpus=workload.resources.gpus)
    container = _confined(dns_label(name), workload, mounts, resources, placement)
    container["args"] = list(workload.command)
    container["ports"] = [{"container_port": port} for port in workload.ports]
    if endpoint_seconds(workload):
        container["lifecycle"] = {"pre_stop": {"sleep": {"seconds": endpoint_seconds(workload)}}}
    first = workload.readiness or workload.liveness
    if first is not None:
        failures = math.ceil(start_seconds(workload) / first.interval_seconds)
        container["startup_probe"] = probe(first, failures=failures)
    if workload.readiness is not None:
        container["readiness_probe"] = probe(workload.readiness)
    if workload.liveness is not None:
        container["liveness_probe"] = probe(workload.liveness)
    return container


def _check(
    workload: Workload, mounts: Sequence[core.v1.VolumeMountArgsDict], placement: Placement
) -> core.v1.ContainerArgsDict:
    """Looks at the configuration before the program does: a pod with a bad one never gets a request."""
    # No more than the program, which runs after it: it reserves nothing of its own.
    resources = _resources(workload.resources, placement, gpus=0)
    container = _confined("config-check", workload, mounts, resources, placement)
    container["command"] = [*workload.config_check, CONFIG_PATH]
    return container


def _confined(
    name: str,
    workload: Workload,
    mounts: Sequence[core.v1.VolumeMountArgsDict],
    resources: core.v1.ResourceRequirementsArgsDict,
    placement: Placement,
) -> core.v1.ContainerArgsDict:
    """What every container of the pod has in common."""
    return {
        "name": name,
        "image": workload.image,
        "image_pull_policy": _pull_policy(workload.image, placement.images_on_nodes),
        "env": [{"name": key, "value": value} for key, value in sorted(workload.environment.items())],
        "volume_mounts": list(mounts),
        "resources": resources,
        "termination_message_policy": "FallbackToLogsOnError",
        "security_context": {
            "allow_privilege_escalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "read_only_root_filesystem": True,
        },
    }


def _pull_policy(image: pulumi.Input[str], on_nodes: str | None) -> pulumi.Input[str]:
    """An image's reference names one content, so one that is there is never asked for again."""
    if on_nodes is None:
        return "IfNotPresent"
    return pulumi.Output.from_input(image).apply(
        lambda named: "Never" if named.startswith(f"{on_nodes}/") else "IfNotPresent"
    )


def _resources(wanted: Resources, placement: Placement, gpus: int) -> core.v1.ResourceRequirementsArgsDict:
    # The limit of processors stays where a share is reserved: programs count their threads by it.
    memory = memory_quantity(wanted.memory_mib)
    limits: dict[str, pulumi.Input[str]] = {"cpu": cpu_quantity(wanted.cpus), "memory": memory}
    if gpus:
        limits[GPU] = str(gpus)
    requests = {"cpu": cpu_quantity(wanted.cpus * placement.cpu_share), "memory": memory}
    return {"limits": limits, "requests": requests}


def probe(wanted: Probe, failures: int | None = None) -> core.v1.ProbeArgsDict:
    """A probe; asked over HTTP only where `http` says that nothing but the program's health decides."""
    asked: core.v1.ProbeArgsDict = {
        "period_seconds": wanted.interval_seconds,
        "timeout_seconds": wanted.timeout_seconds,
        "failure_threshold": wanted.failures if failures is None else failures,
    }
    if wanted.http:
        asked["http_get"] = {"path": wanted.path, "port": wanted.port}
    else:
        asked["exec_"] = {"command": list(wanted.command)}
    return asked
