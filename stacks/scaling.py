"""From a model's scaling settings to what its scaler is told."""

from collections.abc import Sequence
from dataclasses import replace

from catalog.errors import KitError
from components.autoscaling.types import CpuScaling, DemandScaling, Scaling
from components.platforms.kubernetes_times import pull_seconds
from components.workload import Update
from stacks.model_settings import ModelSettings
from stacks.plan import Hosted
from stacks.scaling_settings import TARGET_UTILIZATION, AutoscalingSettings, ScalingSettings

LEAST_IDLE_SECONDS = 600
"""Default of scaleToZeroAfterSeconds, where a replica does not need longer to come."""
SETTLE_SECONDS = 300
LONGEST_SETTLE_SECONDS = 3600
"""Most that Kubernetes takes as a stabilisation window."""


def scaling_of(
    model: ModelSettings,
    wanted: ScalingSettings,
    hosted: Hosted,
    cluster: AutoscalingSettings,
    *,
    watched: bool,
    cpu_share: float = 1,
) -> Scaling | None:
    """What its replicas follow; None where the count never changes.

    `watched` is whether monitoring is on, `cpu_share` the part of its processors that is reserved. Raises
    KitError for what cannot work.
    """
    name, budget = model.name, _start_budget(hosted)
    settle = min(max(SETTLE_SECONDS, budget), LONGEST_SETTLE_SECONDS)
    if not wanted.changes:
        return None
    if not cluster.keda:
        return replace(_by_cpu(name, wanted, hosted, settle), cpu_share=cpu_share)
    if not watched:
        raise KitError(
            f"scaling of model {name!r}",
            "it follows the gateway's metric, and slm-kit:monitoring, which reads that, is off",
            "Switch monitoring on, or set minReplicas and maxReplicas to one number above 0.",
        )
    return DemandScaling(
        models=model.public_names,
        threshold=max(1.0, hosted.serving.concurrency * (wanted.target_utilization or TARGET_UTILIZATION)),
        max_replicas=wanted.max_replicas,
        min_replicas=wanted.min_replicas,
        idle_seconds=_idle(model, wanted, budget + _place_seconds(hosted)),
        settle_seconds=settle,
        fallback_replicas=wanted.fallback_replicas or max(1, wanted.min_replicas),
        schedules=tuple(each.as_schedule() for each in wanted.schedule),
    )


def recommended_of(scaling: Scaling | None, cluster: AutoscalingSettings) -> tuple[str, ...]:
    """Resources that a VPA is to recommend for a workload: none that its HPA follows."""
    if not cluster.recommendations:
        return ()
    return ("memory",) if isinstance(scaling, CpuScaling) else ("cpu", "memory")


def check_gpus(needs: Sequence[tuple[Hosted, ScalingSettings]], available: int) -> None:
    """Refuse what nodes with so many GPUs at most, all together, cannot hold.

    Each model's maximum must fit alone, with what an update starts beside it, and all minimums together, at
    least one of each: what may sleep is awake when it is new. Above that models may take turns.
    """
    for hosted, wanted in needs:
        gpus, name = hosted.serving.gpus, hosted.serving.name
        surge = 1 if hosted.workload.update is Update.START_FIRST else 0
        most = (wanted.max_replicas + surge) * gpus
        if most > available:
            beside = ", one more while it is updated" if surge else ""
            raise KitError(
                f"maxReplicas {wanted.max_replicas} of model {name!r}",
                f"they need {most} GPUs, {gpus} each{beside}, and there are {available}",
                "Lower it, or let the pool grow.",
            )
    least = sum(wanted.first_replicas * hosted.serving.gpus for hosted, wanted in needs)
    if least > available:
        raise KitError(
            f"minReplicas of {', '.join(each.serving.name for each, _ in needs if each.serving.gpus)}",
            f"together they need {least} GPUs, as each model starts awake, and there are {available}",
            "Lower one of them, or let the pool grow.",
        )


def _by_cpu(name: str, wanted: ScalingSettings, hosted: Hosted, settle: int) -> CpuScaling:
    refused = {
        "minReplicas 0": wanted.min_replicas == 0,
        "the schedule": bool(wanted.schedule),
        "fallbackReplicas": wanted.fallback_replicas is not None,
        "targetUtilization": wanted.target_utilization is not None,
        "more than one number of replicas on GPUs": hosted.serving.gpus > 0,
    }
    for what, given in refused.items():
        if given:
            raise KitError(
                f"{what} of model {name!r}",
                "it needs KEDA, which slm-kit:autoscaling.keda says is not there",
                "Install KEDA 2.19 or later and set it to true, or keep a fixed number of replicas.",
            )
    return CpuScaling(wanted.max_replicas, wanted.min_replicas, settle_seconds=settle)


def _idle(model: ModelSettings, wanted: ScalingSettings, budget: int) -> int:
    if wanted.min_replicas > 0:
        return LEAST_IDLE_SECONDS
    if model.fallback is not None:
        raise KitError(
            f"minReplicas 0 of model {model.name!r}",
            f"while it has no replica its requests go to its fallback {model.fallback!r}, and none wakes it",
            "Remove the fallback, or keep one replica.",
        )
    chosen = wanted.scale_to_zero_after_seconds or max(LEAST_IDLE_SECONDS, budget)
    if chosen < budget:
        raise KitError(
            f"scaleToZeroAfterSeconds {chosen} of model {model.name!r}",
            f"a replica may take {budget} s to come, and would be put away before it served",
            f"Set it to {budget} or more.",
        )
    return chosen


def _place_seconds(hosted: Hosted) -> int:
    """Until there is a place to start in: a pool may have no node while nobody asks, and it has no image."""
    return 0 if hosted.decision.pool is None else pull_seconds(hosted.workload)


def _start_budget(hosted: Hosted) -> int:
    readiness = hosted.workload.readiness
    return readiness.start_seconds if readiness else 0
