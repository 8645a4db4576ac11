"""How many replicas of a workload there are on a cluster.

The Deployment itself must not say: a count that two set is moved to and fro. What is created:

- DemandScaling: a KEDA ScaledObject on what the gateway knows. A model at zero is woken by its next request.
- CpuScaling: a plain HorizontalPodAutoscaler, where KEDA is not installed, and for the gateway itself.
- `recommended`: a VerticalPodAutoscaler that only says what the workload needs (`kubectl describe vpa`).

From zero, a request waits for the sum of these:

- up to 60 s until its arrival is noticed: 15 s to the next scrape, 30 s to the next evaluation of the rules,
  15 s to KEDA's next look;
- a node where the pool has none, and the image where the node has none: minutes each;
- the engine's start, its start-up budget at most; then a second or two until the gateway finds it.

The gateway holds a request for its route's `wake_hold_s` (5 s by default) and then answers 503 with
Retry-After: nearly every start is the client's to wait out, by asking again. Nothing is lost by that: the
arrival is remembered, and the wake goes on when who asked is gone.
"""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from catalog.errors import KitError
from components.autoscaling import specs
from components.autoscaling.types import CpuScaling, DemandScaling, Scaling, check_recommended
from components.platforms.kubernetes_names import STACK_LABEL, dns_label
from monitoring.watched import LOGIN

NAME_LIMIT = 45
"""Characters of a name: with 9 that make it unique and `keda-hpa-` before it, KEDA takes 63."""


class PrometheusLoginArgs(TypedDict):
    """The login by which scaling may ask the stack's Prometheus."""

    namespace: pulumi.Input[str]
    stack: str
    """Value of the label `slm-kit.stack`."""
    password: pulumi.Input[str]
    """Of the operator's login, secret."""


class PrometheusLogin(pulumi.ComponentResource):
    """A Secret and the TriggerAuthentication that refers to it; one serves all scalers of a namespace."""

    authentication: pulumi.Output[str]
    """Name of the TriggerAuthentication."""

    def __init__(
        self, name: str, args: PrometheusLoginArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slm:index:PrometheusLogin", name, {}, opts)
        metadata = _metadata(args["namespace"], args["stack"])
        secret = k8s.core.v1.Secret(
            name,
            metadata=metadata,
            string_data={"username": LOGIN, "password": pulumi.Output.secret(args["password"])},
            opts=pulumi.ResourceOptions(parent=self),
        )
        made = k8s.apiextensions.CustomResource(
            name,
            api_version="keda.sh/v1alpha1",
            kind="TriggerAuthentication",
            # Scalers look it up by its name.
            metadata={**metadata, "name": name},
            spec=specs.trigger_authentication(_name_of(secret.metadata)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        # Known in a preview already, and still only there once the object is.
        self.authentication = made.urn.apply(lambda _: name)
        self.register_outputs({"authentication": self.authentication})


class AutoscalerArgs(TypedDict):
    """Whose replicas, and what they follow."""

    namespace: pulumi.Input[str]
    stack: str
    """Value of the label `slm-kit.stack`."""
    deployment: pulumi.Input[str]
    """Name of the Deployment, which KubernetesPlatform was told is `scaled`: its spec has no `replicas`."""
    scaling: NotRequired[Scaling | None]
    """Default: the count is the Deployment's own, and there are recommendations only."""
    prometheus: NotRequired[str | None]
    """URL of the stack's Prometheus, reached from KEDA's namespace; needed for DemandScaling."""
    login: NotRequired[pulumi.Input[str]]
    """`PrometheusLogin.authentication`; needed for DemandScaling."""
    recommended: NotRequired[tuple[str, ...]]
    """Resources that a VPA is to recommend: cpu, memory. Needs the VPA's CRD. Default: none."""


class Autoscaler(pulumi.ComponentResource):
    """Scales one workload. Raises KitError, before it makes anything, for what cannot work."""

    def __init__(self, name: str, args: AutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        scaling, recommended = args.get("scaling"), args.get("recommended", ())
        _check(name, args)
        super().__init__("slm:index:Autoscaler", name, {}, opts)
        if isinstance(scaling, DemandScaling):
            spec = specs.scaled_object(
                args["deployment"], scaling, args.get("prometheus") or "", args.get("login", "")
            )
            self._custom(name, args, "keda.sh/v1alpha1", "ScaledObject", spec)
        if isinstance(scaling, CpuScaling):
            self._horizontal(name, args, scaling)
        if recommended:
            wanted = specs.recommendation(args["deployment"], recommended)
            self._custom(name, args, "autoscaling.k8s.io/v1", "VerticalPodAutoscaler", wanted)
        self.register_outputs({})

    def _custom(
        self, name: str, args: AutoscalerArgs, api_version: str, kind: str, spec: dict[str, Any]
    ) -> None:
        k8s.apiextensions.CustomResource(
            dns_label(name, NAME_LIMIT),
            api_version=api_version,
            kind=kind,
            metadata=_metadata(args["namespace"], args["stack"]),
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _horizontal(self, name: str, args: AutoscalerArgs, scaling: CpuScaling) -> None:
        k8s.autoscaling.v2.HorizontalPodAutoscaler(
            dns_label(name, NAME_LIMIT),
            metadata=_metadata(args["namespace"], args["stack"]),
            spec={
                "scale_target_ref": {
                    "api_version": "apps/v1",
                    "kind": "Deployment",
                    "name": args["deployment"],
                },
                "min_replicas": scaling.min_replicas,
                "max_replicas": scaling.max_replicas,
                "metrics": [specs.cpu_metric(scaling)],
                "behavior": specs.behavior(scaling.settle_seconds),
            },
            opts=pulumi.ResourceOptions(parent=self),
        )


def _check(name: str, args: AutoscalerArgs) -> None:
    scaling = args.get("scaling")
    check_recommended(scaling, args.get("recommended", ()))
    if isinstance(scaling, DemandScaling) and not (args.get("prometheus") and "login" in args):
        raise KitError(
            f"scaling {name} by demand",
            "the gateway's metric is read from Prometheus, and there is none",
            "Switch slm-kit:monitoring on, or keep a fixed number of replicas.",
        )


def _metadata(namespace: pulumi.Input[str], stack: str) -> Any:
    return {"namespace": namespace, "labels": {STACK_LABEL: dns_label(stack)}}


def _name_of(metadata: pulumi.Output[k8s.meta.v1.outputs.ObjectMeta]) -> pulumi.Output[str]:
    return metadata.apply(lambda known: known.name or "")
