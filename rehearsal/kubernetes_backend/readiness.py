"""When an object is usable, by kind."""

from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.backend import Properties
from rehearsal.kubernetes_backend.cluster import Cluster
from rehearsal.kubernetes_backend.manifest import Kind, metadata
from rehearsal.kubernetes_backend.pods import failed_logs, hopeless, new_pods


class BrokenError(Exception):
    """Waiting does not help."""


Check = Callable[[Cluster, Properties], str | None]
"""None when usable, else what is waited for. Raises BrokenError."""


def _condition(live: Properties, name: str) -> Mapping[str, Any]:
    conditions = live.get("status", {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == name), {})


def _rolled(live: Properties, want: int, updated: int, total: int, available: int) -> str | None:
    """The rules of `kubectl rollout status`."""
    if live.get("status", {}).get("observedGeneration", 0) < metadata(live).get("generation", 0):
        return "the controller has not seen the change"
    if updated < want:
        return f"{updated} of {want} replicas are of the new revision"
    if total > updated:
        return f"{total - updated} replicas of the old revision are still there"
    return f"{available} of {want} replicas are available" if available < want else None


def deployment(cluster: Cluster, live: Properties) -> str | None:
    """Rolled out; a new pod that cannot start, or pods that are not admitted, end it."""
    status = live.get("status", {})
    numbers = [status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas")]
    waiting = _rolled(live, live["spec"].get("replicas", 1), *numbers)
    if waiting is None or status.get("observedGeneration", 0) < metadata(live).get("generation", 0):
        return waiting
    refused = _condition(live, "ReplicaFailure")
    # A quota may have room again when old pods have gone; a policy does not change its mind.
    if refused.get("status") == "True" and "violates PodSecurity" in refused.get("message", ""):
        raise BrokenError(refused["message"])
    _stop_if_hopeless(cluster, live)
    if _condition(live, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        raise BrokenError(_condition(live, "Progressing")["message"])
    return f"{waiting}; {refused['message']}" if refused.get("status") == "True" else waiting


def stateful_set(cluster: Cluster, live: Properties) -> str | None:
    """Rolled out down to its partition; with OnDelete the old replicas may stay."""
    status, want = live.get("status", {}), live["spec"].get("replicas", 1)
    strategy = live["spec"].get("updateStrategy") or {}
    kept = (strategy.get("rollingUpdate") or {}).get("partition", 0)
    updated = want if _on_delete(strategy) else min(want, status.get("updatedReplicas", 0) + kept)
    waiting = _rolled(live, want, updated, updated, status.get("availableReplicas", 0))
    if waiting:
        _stop_if_hopeless(cluster, live)
    return waiting


def _on_delete(strategy: Mapping[str, Any]) -> bool:
    return bool(strategy.get("type") == "OnDelete")


def daemon_set(cluster: Cluster, live: Properties) -> str | None:
    """On every node that it is for."""
    status = live.get("status", {})
    want = status.get("desiredNumberScheduled", 0)
    kept = _on_delete(live["spec"].get("updateStrategy") or {})
    updated = want if kept else status.get("updatedNumberScheduled", 0)
    waiting = _rolled(live, want, updated, updated, status.get("numberAvailable", 0))
    if waiting:
        _stop_if_hopeless(cluster, live)
    return waiting


def job(cluster: Cluster, live: Properties) -> str | None:
    """Completed; a suspended one is not waited for."""
    if live["spec"].get("suspend") or _condition(live, "Complete").get("status") == "True":
        return None
    failed = _condition(live, "Failed")
    if failed.get("status") == "True":
        why = f"{failed.get('reason')}: {failed.get('message')}"
        raise BrokenError(f"it failed ({why})\n{failed_logs(cluster, new_pods(cluster, live))}")
    pods = new_pods(cluster, live)
    if found := hopeless(cluster, pods, crashes=False):
        raise BrokenError(found)
    status = live.get("status", {})
    return (
        f"it has not completed ({status.get('active', 0)} active, {status.get('failed', 0)} failed)"
        + _said(cluster, pods)
    )


def _said(cluster: Cluster, pods: list[Properties]) -> str:
    """The last log line of a running pod: how far it is."""
    for pod in pods:
        if pod.get("status", {}).get("phase") == "Running":
            line = cluster.log_tail(pod, pod["spec"]["containers"][0]["name"], 1)
            return f": {line}" if line else ""
    return ""


def pod(cluster: Cluster, live: Properties) -> str | None:
    """Ready, or ended well."""
    phase = live.get("status", {}).get("phase")
    if phase == "Succeeded" or _condition(live, "Ready").get("status") == "True":
        return None
    if phase == "Failed":
        raise BrokenError(f"it failed\n{failed_logs(cluster, [live])}")
    _stop_if_hopeless(cluster, live)
    return "it is not ready"


def _stop_if_hopeless(cluster: Cluster, live: Properties) -> None:
    if found := hopeless(cluster, new_pods(cluster, live)):
        raise BrokenError(found)


def namespace(_: Cluster, live: Properties) -> str | None:
    """Active."""
    return None if live.get("status", {}).get("phase") == "Active" else "it is not active"


def service(_: Cluster, live: Properties) -> str | None:
    """A load balancer has its address; endpoints are not waited for."""
    if live["spec"].get("type") != "LoadBalancer" or live.get("status", {}).get("loadBalancer", {}).get(
        "ingress"
    ):
        return None
    return "its load balancer has no address"


def resource_quota(_: Cluster, live: Properties) -> str | None:
    """Counted: until then the server refuses what the quota is for."""
    counted = live.get("status", {}).get("hard") == live["spec"].get("hard")
    return None if counted else "it is not counted yet"


def definition(cluster: Cluster, live: Properties) -> str | None:
    """A CustomResourceDefinition's objects can be made: it is established and discovery tells of it."""
    if _condition(live, "Established").get("status") != "True":
        return "it is not established"
    group, kind = live["spec"]["group"], live["spec"]["names"]["kind"]
    versions = [each["name"] for each in live["spec"]["versions"] if each.get("served")]
    hidden = [each for each in versions if cluster.served(Kind(f"{group}/{each}", kind)) is None]
    return f"discovery does not tell of {', '.join(hidden)}" if hidden else None


CHECKS: Mapping[tuple[str, str], Check] = {
    ("apps", "Deployment"): deployment,
    ("apps", "StatefulSet"): stateful_set,
    ("apps", "DaemonSet"): daemon_set,
    ("batch", "Job"): job,
    ("", "Pod"): pod,
    ("", "Namespace"): namespace,
    ("", "Service"): service,
    ("", "ResourceQuota"): resource_quota,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): definition,
}
"""By group and kind; every other object is usable at once."""

WITH_PODS = ("Deployment", "StatefulSet", "DaemonSet", "Pod")
