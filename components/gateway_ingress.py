"""The way to a gateway from outside a cluster, by a controller for Ingress that is there."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import networking

from components.controller_annotations import CLUSTER_ISSUER, ISSUER
from components.platforms.kubernetes_names import STACK_LABEL, dns_label
from components.platforms.kubernetes_policies import NAMESPACE_LABEL
from components.platforms.kubernetes_workload import SKIP_AWAIT

SOLVER, SOLVER_PORT = {"acme.cert-manager.io/http01-solver": "true"}, 8089
"""Label and port of the pods that cert-manager answers HTTP-01 challenges with, beside the Ingress
(pkg/apis/acme/v1/types.go and pkg/issuer/acme/http/http.go of cert-manager)."""


class GatewayIngressArgs(TypedDict):
    """Where it leads from and to."""

    namespace: pulumi.Input[str]
    stack: str
    """Value of the label `slm-kit.stack`."""
    host: str
    class_name: str
    controller_namespace: str
    """Where the controller's pods run."""
    service: str
    """The gateway's published Service."""
    port: int
    """Port of that Service."""
    tls_secret: str
    """Secret with the certificate; cert-manager makes it where an issuer is named."""
    cluster_issuer: NotRequired[str]
    issuer: NotRequired[str]
    annotations: NotRequired[Mapping[str, str]]
    """For the controller. Default: none."""


class GatewayIngress(pulumi.ComponentResource):
    """An Ingress with TLS, and the way for an issuer's challenges. `url` is the base URL for OpenAI clients.

    That the controller may ask the gateway is the platform's part (`admits`).
    """

    url: pulumi.Output[str]

    def __init__(
        self, name: str, args: GatewayIngressArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slm:index:GatewayIngress", name, {}, opts)
        labels = {STACK_LABEL: dns_label(args["stack"])}
        child = pulumi.ResourceOptions(parent=self)
        if "cluster_issuer" in args or "issuer" in args:
            networking.v1.NetworkPolicy(
                f"{name}-challenges",
                metadata={"namespace": args["namespace"], "labels": labels},
                spec=_challenges(args["controller_namespace"]),
                opts=child,
            )
        networking.v1.Ingress(
            name,
            metadata={
                "namespace": args["namespace"],
                "labels": labels,
                "annotations": _annotations(args),
            },
            spec={
                "ingress_class_name": args["class_name"],
                "tls": [{"hosts": [args["host"]], "secret_name": args["tls_secret"]}],
                "rules": [{"host": args["host"], "http": {"paths": [_path(args)]}}],
            },
            opts=child,
        )
        self.url = pulumi.Output.from_input(f"https://{args['host']}/v1")
        self.register_outputs({"url": self.url})


def _challenges(controllers: str) -> networking.v1.NetworkPolicySpecArgsDict:
    """In a closed namespace nobody reaches the pods that an HTTP-01 issuer's certificate depends on."""
    return {
        "pod_selector": {"match_labels": SOLVER},
        "policy_types": ["Ingress"],
        "ingress": [
            {
                "from_": [{"namespace_selector": {"match_labels": {NAMESPACE_LABEL: controllers}}}],
                "ports": [{"protocol": "TCP", "port": SOLVER_PORT}],
            }
        ],
    }


def _annotations(args: GatewayIngressArgs) -> dict[str, str]:
    # Not every controller writes the address that Pulumi would wait for.
    found = {**args.get("annotations", {}), **SKIP_AWAIT}
    if "cluster_issuer" in args:
        found[CLUSTER_ISSUER] = args["cluster_issuer"]
    if "issuer" in args:
        found[ISSUER] = args["issuer"]
    return found


def _path(args: GatewayIngressArgs) -> networking.v1.HTTPIngressPathArgsDict:
    return {
        # The one path that the gateway serves.
        "path": "/v1",
        "path_type": "Prefix",
        "backend": {"service": {"name": args["service"], "port": {"number": args["port"]}}},
    }
