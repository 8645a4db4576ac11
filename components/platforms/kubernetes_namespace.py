"""The namespace of a stack: who may run in it, how much, and that nothing talks to anything by itself."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import core, networking

from components.platforms.kubernetes_names import STACK_LABEL, dns_label, name_of
from components.platforms.kubernetes_policies import closed, names

POD_SECURITY = "pod-security.kubernetes.io"


class KubernetesNamespaceArgs(TypedDict):
    """Name and bounds of a namespace."""

    stack: str
    namespace: str
    quota: NotRequired[Mapping[str, str]]
    """Most that all pods together may ask for, e.g. {"requests.nvidia.com/gpu": "2"}. Default: no bound."""
    limits: NotRequired[Sequence[core.v1.LimitRangeItemArgsDict]]
    """Bounds and defaults of a single pod, container or claim. Default: none."""


class KubernetesNamespace(pulumi.ComponentResource):
    """A namespace that stays when the stack goes, since the volumes that outlive the stack are in it.

    `namespace` is its name.
    """

    namespace: pulumi.Output[str]

    def __init__(
        self, name: str, args: KubernetesNamespaceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slm:index:KubernetesNamespace", name, {}, opts)
        labels = {STACK_LABEL: dns_label(args["stack"])}
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        child = pulumi.ResourceOptions(parent=self)
        restricted = {f"{POD_SECURITY}/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
        made = core.v1.Namespace(
            name, metadata={"name": args["namespace"], "labels": {**labels, **restricted}}, opts=kept
        )
        self.namespace = name_of(made.metadata)
        for suffix, spec in (("closed", closed()), ("names", names())):
            networking.v1.NetworkPolicy(
                f"{name}-{suffix}",
                metadata={"namespace": self.namespace, "labels": labels},
                spec=spec,
                opts=child,
            )
        if "quota" in args:
            core.v1.ResourceQuota(
                name,
                metadata={"namespace": self.namespace, "labels": labels},
                spec={"hard": dict(args["quota"])},
                opts=child,
            )
        if "limits" in args:
            core.v1.LimitRange(
                name,
                metadata={"namespace": self.namespace, "labels": labels},
                spec={"limits": list(args["limits"])},
                opts=child,
            )
        self.register_outputs({"namespace": self.namespace})
