"""What keeps the pods of a workload: a Deployment or a Job."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apps, batch, core, meta, policy

from components.platforms.kubernetes_names import name_of
from components.platforms.kubernetes_pod import grace_seconds, start_seconds
from components.platforms.kubernetes_times import pull_seconds
from components.workload import Kind, Update, Workload

JOB_SECONDS = 3600
"""How long a job may run with all its attempts: a model of 16 GB at 5 MB/s."""
JOB_ATTEMPTS = 3


@dataclass(frozen=True)
class Pods:
    """What is kept, under which name and labels."""

    name: str
    workload: Workload
    spec: core.v1.PodSpecArgsDict
    metadata: meta.v1.ObjectMetaArgsDict
    labels: Mapping[str, str]
    selector: Mapping[str, str]
    scaled_to: int | None
    """Most replicas, where an autoscaler owns their number."""
    on_one_node: bool
    """Whether all of them must be on the same node, with the volume that is there."""

    @property
    def scaled(self) -> bool:
        """Whether an autoscaler owns the number of replicas."""
        return self.scaled_to is not None

    @property
    def most(self) -> int:
        """How many there may be when an update begins, which replaces one after the other."""
        return self.workload.replicas if self.scaled_to is None else self.scaled_to

    @property
    def template(self) -> core.v1.PodTemplateSpecArgsDict:
        """The pod, with the labels that everybody knows it by."""
        return {"metadata": {"labels": dict(self.labels)}, "spec": self.spec}


def controlled(pods: Pods, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Create what keeps the pods, and give its name."""
    return _job(pods, opts) if pods.workload.kind is Kind.JOB else _deployment(pods, opts)


def _job(pods: Pods, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """A job's pod cannot be changed: another pod is another job, with another name."""
    job = batch.v1.Job(
        pods.name,
        metadata=pods.metadata,
        spec={
            "template": pods.template,
            "backoff_limit": JOB_ATTEMPTS - 1,
            "active_deadline_seconds": JOB_SECONDS,
            # Two attempts must not write to one volume at once, and no more must two jobs.
            "pod_replacement_policy": "Failed",
        },
        opts=_within(opts, JOB_SECONDS + grace_seconds(pods.workload), replaced_first=True),
    )
    return name_of(job.metadata)


def _deployment(pods: Pods, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    workload = pods.workload
    progress = pull_seconds(workload) + start_seconds(workload)
    wanted: apps.v1.DeploymentSpecArgsDict = {
        "selector": {"match_labels": dict(pods.selector)},
        "template": pods.template,
        "strategy": strategy(workload, scaled=pods.scaled),
        "progress_deadline_seconds": progress,
        "revision_history_limit": 1,
    }
    if not pods.scaled:
        # A number set here would be put back by every update.
        wanted["replicas"] = workload.replicas
    deployment = apps.v1.Deployment(
        pods.name,
        # Not one that is made up: where a stack's state was lost, no second one is made behind the
        # same Service.
        metadata={**pods.metadata, "name": pods.name},
        spec=wanted,
        # A replacement of the object is no other case than one of its pods: both may want the same GPU.
        opts=_within(
            opts,
            pods.most * (progress + grace_seconds(workload)),
            replaced_first=workload.update is Update.STOP_FIRST,
        ),
    )
    if (workload.replicas > 1 or pods.scaled) and not pods.on_one_node:
        # Bound to a node that is drained, a replica that left comes back nowhere until the last one has
        # left, too: a budget would keep that one for ever.
        _disruption_budget(pods, opts)
    return name_of(deployment.metadata)


def _disruption_budget(pods: Pods, opts: pulumi.ResourceOptions) -> None:
    """One pod at a time leaves for maintenance. With one replica left that is all of them: a drain of a node
    is never held up."""
    policy.v1.PodDisruptionBudget(
        pods.name,
        metadata=pods.metadata,
        spec={
            "max_unavailable": 1,
            "selector": {"match_labels": dict(pods.selector)},
            "unhealthy_pod_eviction_policy": "AlwaysAllow",
        },
        opts=opts,
    )


def strategy(workload: Workload, *, scaled: bool) -> apps.v1.DeploymentStrategyArgsDict:
    """How pods are replaced.

    The old one first: a single one is away before the next begins, since both may want the same GPU or the
    same files; of several, as what is scaled may be, one at a time, so that the others go on serving.
    """
    if workload.update is Update.START_FIRST:
        return {"type": "RollingUpdate", "rolling_update": {"max_surge": 1, "max_unavailable": 0}}
    if workload.replicas == 1 and not scaled:
        return {"type": "Recreate"}
    return {"type": "RollingUpdate", "rolling_update": {"max_surge": 0, "max_unavailable": 1}}


def _within(
    opts: pulumi.ResourceOptions, seconds: int, *, replaced_first: bool = False
) -> pulumi.ResourceOptions:
    """`opts`, and how long the cluster has for it."""
    limit = f"{seconds}s"
    timeouts = pulumi.CustomTimeouts(create=limit, update=limit, delete=limit)
    more = pulumi.ResourceOptions(custom_timeouts=timeouts, delete_before_replace=replaced_first or None)
    return pulumi.ResourceOptions.merge(opts, more)
