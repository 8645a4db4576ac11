"""From a stack's settings to the way in from outside its cluster."""

import pulumi

from components.gateway_ingress import GatewayIngress, GatewayIngressArgs
from components.platforms.kubernetes import KubernetesPlatform
from components.platforms.kubernetes_names import dns_label
from stacks.ingress_settings import IngressSettings


def let_in(
    wanted: IngressSettings | None, platform: KubernetesPlatform, gateway: str, port: int
) -> pulumi.Output[str] | None:
    """The gateway's base URL outside, None where there is no way in. `gateway` is the workload's name, `port`
    that of its published Service."""
    if wanted is None:
        return None
    args: GatewayIngressArgs = {
        "namespace": platform.namespace,
        "stack": pulumi.get_stack(),
        "host": wanted.host,
        "class_name": wanted.class_name,
        "service": platform.published(gateway),
        "port": port,
        "tls_secret": wanted.tls_secret or dns_label(f"{gateway}-certificate"),
        "annotations": wanted.annotations,
    }
    if wanted.cluster_issuer is not None:
        args["cluster_issuer"] = wanted.cluster_issuer
    if wanted.issuer is not None:
        args["issuer"] = wanted.issuer
    # The platform's cluster is its own too.
    return GatewayIngress(gateway, args, pulumi.ResourceOptions(parent=platform)).url
