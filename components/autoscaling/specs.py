"""The objects' contents: KEDA 2.19 or later (its CRD keda.sh/v1alpha1), VPA autoscaling.k8s.io/v1.

2.17 brought a fallback that takes no replica away, 2.19 one that also wakes what is at zero.
"""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pydantic.alias_generators import to_camel

from components.autoscaling import queries
from components.autoscaling.types import CpuScaling, DemandScaling, Schedule

Behavior = k8s.autoscaling.v2.HorizontalPodAutoscalerBehaviorArgsDict

POLLING_SECONDS = 15
"""Between two looks of KEDA at a model with no replica; from one replica on the HPA looks each 15 seconds."""
FAILURES = 8
"""Looks without an answer before the fallback: one to two minutes; Prometheus restarts in less."""
PATIENCE_SECONDS = 30
"""How long more is needed before replicas are added: one evaluation of the rules, no single spike."""


def behavior(settle_seconds: int) -> Behavior:
    """How fast an HPA may be: up to twice as many each 15 seconds, down one a minute."""
    return {
        "scale_up": {
            "stabilization_window_seconds": PATIENCE_SECONDS,
            "policies": [{"type": "Percent", "value": 100, "period_seconds": 15}],
        },
        "scale_down": {
            "stabilization_window_seconds": settle_seconds,
            "policies": [{"type": "Pods", "value": 1, "period_seconds": 60}],
        },
    }


def scaled_object(
    deployment: pulumi.Input[str], scaling: DemandScaling, prometheus: str, login: pulumi.Input[str]
) -> dict[str, Any]:
    """Spec of a ScaledObject. `prometheus` is its URL, `login` the name of a TriggerAuthentication."""
    asked = [_prometheus("demand", queries.demand(scaling.models), scaling.threshold, prometheus, login)]
    sleeps: dict[str, Any] = {}
    if scaling.min_replicas == 0:
        asked.append(_prometheus("asked", queries.asked(scaling.models), 1, prometheus, login))
        sleeps = {
            "pollingInterval": POLLING_SECONDS,
            # Only from the last replica to none; for the others it is the HPA's window.
            "cooldownPeriod": scaling.idle_seconds,
            # Else a new model is put away while it starts for the first time.
            "initialCooldownPeriod": scaling.idle_seconds,
        }
    return {
        "scaleTargetRef": _target(deployment),
        "minReplicaCount": scaling.min_replicas,
        "maxReplicaCount": scaling.max_replicas,
        **sleeps,
        "fallback": {
            "failureThreshold": FAILURES,
            "replicas": scaling.fallback_replicas,
            "behavior": "currentReplicasIfHigher",
        },
        "advanced": {
            # A model that sleeps when its scaler is removed would sleep for ever. One that never does keeps
            # its replicas: the scaler goes last, when the number that takes its place is set already.
            "restoreToOriginalReplicaCount": scaling.min_replicas == 0,
            "horizontalPodAutoscalerConfig": {"behavior": _camel(behavior(scaling.settle_seconds))},
        },
        "triggers": [*asked, *(_cron(number, each) for number, each in enumerate(scaling.schedules))],
    }


def trigger_authentication(secret: pulumi.Input[str]) -> dict[str, Any]:
    """Spec of a TriggerAuthentication: name and password of a login, by reference to a Secret."""
    return {
        "secretTargetRef": [
            {"parameter": part, "name": secret, "key": part} for part in ("username", "password")
        ]
    }


def cpu_metric(scaling: CpuScaling) -> k8s.autoscaling.v2.MetricSpecArgsDict:
    """What a plain HPA looks at: a share of what is requested, above 100 where that is less than there is."""
    return {
        "type": "Resource",
        "resource": {
            "name": "cpu",
            "target": {
                "type": "Utilization",
                "average_utilization": round(scaling.utilization_percent / scaling.cpu_share),
            },
        },
    }


def recommendation(deployment: pulumi.Input[str], resources: Sequence[str]) -> dict[str, Any]:
    """Spec of a VerticalPodAutoscaler that says what a workload needs, in its status, and changes nothing."""
    return {
        "targetRef": _target(deployment),
        "updatePolicy": {"updateMode": "Off"},
        "resourcePolicy": {
            "containerPolicies": [{"containerName": "*", "controlledResources": sorted(resources)}]
        },
    }


def _target(deployment: pulumi.Input[str]) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment}


def _prometheus(
    name: str, query: str, threshold: float, prometheus: str, login: pulumi.Input[str]
) -> dict[str, Any]:
    return {
        "type": "prometheus",
        "name": name,
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": prometheus,
            "query": query,
            "threshold": f"{threshold:g}",
            "activationThreshold": "0",
            # No answer is no zero: the fallback is for it.
            "ignoreNullValues": "false",
            "authModes": "basic",
        },
        "authenticationRef": {"name": login},
    }


def _cron(number: int, schedule: Schedule) -> dict[str, Any]:
    return {
        "type": "cron",
        "name": f"schedule-{number}",
        "metadata": {
            "timezone": schedule.timezone,
            "start": schedule.start_cron,
            "end": schedule.end_cron,
            "desiredReplicas": str(schedule.replicas),
        },
    }


def _camel(value: Any) -> Any:
    """Names as the API has them, from those of Pulumi's typed arguments."""
    if isinstance(value, dict):
        return {to_camel(name): _camel(each) for name, each in value.items()}
    return [_camel(each) for each in value] if isinstance(value, list) else value
