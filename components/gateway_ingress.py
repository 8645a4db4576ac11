"""The way to a gateway from outside a cluster, by a controller for Ingress that is there."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import networking

from components.platforms.kubernetes_names import STACK_LABEL, dns_label
from components.platforms.kubernetes_workload import SKIP_AWAIT

CLUSTER_ISSUER, ISSUER = "cert-manager.io/cluster-issuer", "cert-manager.io/issuer"
"""Annotations by which cert-manager's ingress-shim makes the Secret that `tls` names."""


class GatewayIngressArgs(TypedDict):
    """Where it leads from and to."""

    namespace: pulumi.Input[str]
    stack: str
    """Value of the label `slm-kit.stack`."""
    host: str
    class_name: str
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
    """An Ingress with TLS. `url` is the base URL for OpenAI clients."""

    url: pulumi.Output[str]

    def __init__(
        self, name: str, args: GatewayIngressArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slm:index:GatewayIngress", name, {}, opts)
        networking.v1.Ingress(
            name,
            metadata={
                "namespace": args["namespace"],
                "labels": {STACK_LABEL: dns_label(args["stack"])},
                "annotations": _annotations(args),
            },
            spec={
                "ingress_class_name": args["class_name"],
                "tls": [{"hosts": [args["host"]], "secret_name": args["tls_secret"]}],
                "rules": [{"host": args["host"], "http": {"paths": [_path(args)]}}],
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.url = pulumi.Output.from_input(f"https://{args['host']}/v1")
        self.register_outputs({"url": self.url})


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
