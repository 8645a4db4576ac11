"""From a stack's settings to the way in from outside its cluster."""

from typing import Any

import pulumi

from components.gateway_certificate import GatewayCertificate, GatewayCertificateArgs
from components.gateway_ingress import GatewayIngress, GatewayIngressArgs
from components.gateway_load_balancer import GatewayLoadBalancer
from components.platform import Platform
from components.platforms.kubernetes import KubernetesPlatform
from components.platforms.kubernetes_names import dns_label
from stacks.exposure_settings import Certified, IngressSettings, LoadBalancerSettings
from stacks.kubernetes_settings import KubernetesSettings


def certificate(
    cluster: KubernetesSettings | None, platform: Platform, gateway: str
) -> pulumi.Input[str] | None:
    """Secret with which the gateway ends TLS itself, None where it does not. `gateway` is its name."""
    wanted = cluster.load_balancer if cluster else None
    if wanted is None or not isinstance(platform, KubernetesPlatform):
        return None
    if wanted.tls_secret is not None:
        return wanted.tls_secret
    args: GatewayCertificateArgs = {
        "namespace": platform.namespace,
        "stack": pulumi.get_stack(),
        "host": wanted.host,
        "secret": _secret(wanted, gateway),
        "issuer": wanted.issuer or wanted.cluster_issuer or "",
        "issuer_kind": "Issuer" if wanted.issuer else "ClusterIssuer",
    }
    return GatewayCertificate(gateway, args, _on(platform)).secret


def let_in(
    cluster: KubernetesSettings | None, platform: Platform, gateway: str, port: int
) -> dict[str, pulumi.Output[Any]]:
    """The gateway's `url` outside, and with a load balancer its `address`; nothing where there is no way in.

    `gateway` is the workload's name, `port` that of its published Service.
    """
    if cluster is None or not isinstance(platform, KubernetesPlatform):
        return {}
    if cluster.ingress is not None:
        return {"url": _ingress(cluster.ingress, platform, gateway, port).url}
    if cluster.load_balancer is not None:
        made = _load_balancer(cluster.load_balancer, platform, gateway)
        return {"url": made.url, "address": made.address}
    return {}


def _ingress(
    wanted: IngressSettings, platform: KubernetesPlatform, gateway: str, port: int
) -> GatewayIngress:
    args: GatewayIngressArgs = {
        "namespace": platform.namespace,
        "stack": pulumi.get_stack(),
        "host": wanted.host,
        "class_name": wanted.class_name,
        "controller_namespace": wanted.controller_namespace,
        "service": platform.running(gateway).published,
        "port": port,
        "tls_secret": _secret(wanted, gateway),
        "annotations": wanted.annotations,
    }
    if wanted.cluster_issuer is not None:
        args["cluster_issuer"] = wanted.cluster_issuer
    if wanted.issuer is not None:
        args["issuer"] = wanted.issuer
    return GatewayIngress(gateway, args, _on(platform))


def _load_balancer(
    wanted: LoadBalancerSettings, platform: KubernetesPlatform, gateway: str
) -> GatewayLoadBalancer:
    running = platform.running(gateway)
    return GatewayLoadBalancer(
        gateway,
        {
            "namespace": platform.namespace,
            "stack": pulumi.get_stack(),
            "host": wanted.host,
            "selector": running.selector,
            "pods": running,
            "ranges": wanted.ranges,
            "internal": wanted.internal,
            "annotations": wanted.annotations,
        },
        _on(platform),
    )


def _secret(wanted: Certified, gateway: str) -> str:
    return wanted.tls_secret or dns_label(f"{gateway}-certificate")


def _on(platform: KubernetesPlatform) -> pulumi.ResourceOptions:
    # The platform's cluster is its own too.
    return pulumi.ResourceOptions(parent=platform)
