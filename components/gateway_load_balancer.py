"""The way to a gateway from outside a cluster, by a load balancer that its cloud makes."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import core, networking

from components.controller_annotations import IDLE_MINUTES, INTERNAL
from components.gateway.types import TLS_PORT
from components.platforms.kubernetes_names import STACK_LABEL, dns_label

HTTPS_PORT = 443


class GatewayLoadBalancerArgs(TypedDict):
    """Who is led where."""

    namespace: pulumi.Input[str]
    stack: str
    """Value of the label `slm-kit.stack`."""
    host: str
    """DNS name in the gateway's certificate."""
    selector: Mapping[str, str]
    """Labels of the gateway's pods, which must have a certificate: see GatewayArgs."""
    pods: pulumi.Resource
    """What makes these pods, and is complete once they are ready: the Service is made after it."""
    ranges: Sequence[str]
    """Addresses (CIDR) that may ask."""
    internal: NotRequired[bool]
    """Whether the address is one of the cluster's own network (Azure). Default: it is public."""
    annotations: NotRequired[Mapping[str, str]]
    """For the cloud's controller; `pulumi.com/skipAwait: "true"` does not wait for it. Default: none."""


class GatewayLoadBalancer(pulumi.ComponentResource):
    """A Service that is complete once it has an address, and what lets its clients in.

    `url` is the base URL for OpenAI clients; `address` is where its DNS name must lead, None while there is
    none.
    """

    url: pulumi.Output[str]
    address: pulumi.Output[str | None]

    def __init__(
        self, name: str, args: GatewayLoadBalancerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slm:index:GatewayLoadBalancer", name, {}, opts)
        self._labels = {STACK_LABEL: dns_label(args["stack"])}
        resource = f"{name}-outside"
        self._policy(resource, args)
        self.url = pulumi.Output.from_input(f"https://{args['host']}/v1")
        self.address = self._service(resource, args).status.apply(_address)
        self.register_outputs({"url": self.url, "address": self.address})

    def _policy(self, name: str, args: GatewayLoadBalancerArgs) -> None:
        networking.v1.NetworkPolicy(
            name,
            metadata={"namespace": args["namespace"], "labels": self._labels},
            spec={
                "pod_selector": {"match_labels": args["selector"]},
                "policy_types": ["Ingress"],
                "ingress": [
                    {
                        "from_": [{"ip_block": {"cidr": each}} for each in args["ranges"]],
                        "ports": [{"protocol": "TCP", "port": TLS_PORT}],
                    }
                ],
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _service(self, name: str, args: GatewayLoadBalancerArgs) -> core.v1.Service:
        # An engine may take 600 s to its first byte; Azure forgets a connection after 4 minutes of silence.
        azure = {IDLE_MINUTES: "11", **({INTERNAL: "true"} if args.get("internal", False) else {})}
        return core.v1.Service(
            name,
            metadata={
                "namespace": args["namespace"],
                "labels": self._labels,
                "annotations": {**azure, **args.get("annotations", {})},
            },
            spec={
                "type": "LoadBalancer",
                "selector": args["selector"],
                # Keeps the client's own address, by which the policy above knows it.
                "external_traffic_policy": "Local",
                "load_balancer_source_ranges": list(args["ranges"]),
                "ports": [{"name": "https", "protocol": "TCP", "port": HTTPS_PORT, "target_port": TLS_PORT}],
            },
            # The provider gives a Service 10 minutes to have ready pods too, and these may take longer.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args["pods"]]),
        )


def _address(status: core.v1.outputs.ServiceStatus | None) -> str | None:
    balancer = None if status is None else status.load_balancer
    for each in [] if balancer is None else balancer.ingress or []:
        return each.ip or each.hostname
    return None
