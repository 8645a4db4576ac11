"""What the pods of a workload say about why it does not come up."""

from collections.abc import Iterator, Mapping
from typing import Any

from rehearsal.backend import Properties
from rehearsal.kubernetes_backend.cluster import Cluster
from rehearsal.kubernetes_backend.manifest import Kind, metadata

POD = Kind("v1", "Pod")
REPLICA_SET = Kind("apps/v1", "ReplicaSet")
REVISION = "deployment.kubernetes.io/revision"

HOPELESS = (
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
)
"""Reasons for which a container waits that time does not mend."""

CRASHES = 2
"""Restarts after which CrashLoopBackOff counts: a first crash may be of what was not up yet."""

TAIL = 20
"""Log lines shown with a failure."""


def new_pods(cluster: Cluster, live: Properties) -> list[Properties]:
    """The pods of the workload as it is now, without those of the revision it replaces."""
    if live["kind"] == "Pod":
        return [live]
    space, owner = metadata(live)["namespace"], metadata(live)["uid"]
    labels = dict(live["spec"].get("selector", {}).get("matchLabels") or {})
    if live["kind"] == "Deployment":
        wanted = (metadata(live).get("annotations") or {}).get(REVISION)
        owner = next(
            (
                metadata(each)["uid"]
                for each in cluster.find(REPLICA_SET, space, labels)
                if _owned(each, owner) and (metadata(each).get("annotations") or {}).get(REVISION) == wanted
            ),
            "",
        )
    elif live["kind"] == "StatefulSet" and live.get("status", {}).get("updateRevision"):
        labels["controller-revision-hash"] = live["status"]["updateRevision"]
    return [each for each in cluster.find(POD, space, labels) if _owned(each, owner)]


def _owned(child: Mapping[str, Any], uid: str) -> bool:
    return any(each["uid"] == uid for each in metadata(child).get("ownerReferences") or [])


def hopeless(cluster: Cluster, pods: list[Properties], *, crashes: bool = True) -> str | None:
    """The first container that will not start, with its reason and last log lines.

    `crashes=False`: crashes are somebody else's to judge (a Job counts them itself).
    """
    for pod in pods:
        for status in _statuses(pod):
            waiting = status.get("state", {}).get("waiting") or {}
            reason = waiting.get("reason", "")
            crashed = reason == "CrashLoopBackOff"
            if reason in HOPELESS and not (
                crashed and (not crashes or status.get("restartCount", 0) < CRASHES)
            ):
                return _told(cluster, pod, status, reason, waiting.get("message", ""))
    return None


def why_not_ready(cluster: Cluster, pods: list[Properties]) -> str:
    """What each pod waits for; for a container that runs or has ended, its last log lines."""
    return "\n".join(line for pod in pods for line in _reasons(cluster, pod)) or "it has no pods"


def _reasons(cluster: Cluster, pod: Properties) -> Iterator[str]:
    name = metadata(pod)["name"]
    for condition in pod.get("status", {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] != "True":
            yield f"Pod {name} is not scheduled: {condition.get('message') or condition.get('reason')}"
    for status in _statuses(pod):
        if not status.get("ready"):
            state = status.get("state") or {}
            kind = next(iter(state), "unknown")
            about = state.get(kind) or {}
            yield _told(cluster, pod, status, about.get("reason") or kind, about.get("message", ""))


def _told(cluster: Cluster, pod: Properties, status: Mapping[str, Any], reason: str, message: str) -> str:
    ended = (status.get("lastState") or {}).get("terminated") or (status.get("state") or {}).get("terminated")
    code = f", exit code {ended['exitCode']} ({ended.get('reason', 'no reason')})" if ended else ""
    head = f"Pod {metadata(pod)['name']}, container {status['name']}: {reason}{code}"
    tail = cluster.log_tail(pod, status["name"], TAIL, previous=bool(status.get("restartCount")))
    parts = (head, message, (ended or {}).get("message", ""))
    said = ": ".join(each.strip() for each in parts if each)
    return f"{said}\nIts last lines:\n{tail}" if tail else said


def _statuses(pod: Properties) -> list[Mapping[str, Any]]:
    status = pod.get("status", {})
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def failed_logs(cluster: Cluster, pods: list[Properties]) -> str:
    """The last lines of every container that ended with another code than 0."""
    told = [
        _told(cluster, pod, status, "failed", "")
        for pod in pods
        for status in _statuses(pod)
        if any(
            ((status.get(key) or {}).get("terminated") or {}).get("exitCode", 0)
            for key in ("state", "lastState")
        )
    ]
    return "\n".join(told) or "Its pods are gone, and their logs with them (restartPolicy Never keeps them)."
