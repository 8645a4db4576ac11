"""Who may talk to whom in a stack's namespace: pure translation of Workloads into NetworkPolicies."""

from collections.abc import Sequence

from pulumi_kubernetes import networking

from components.platforms.kubernetes_names import (
    GPU_EXPORTER,
    GPU_PART_LABEL,
    ROLE_LABEL,
    STACK_LABEL,
    Role,
    dns_label,
    role_of,
)
from components.workload import Workload

Peer = networking.v1.NetworkPolicyPeerArgsDict
Spec = networking.v1.NetworkPolicySpecArgsDict

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""Which every namespace has since Kubernetes 1.21."""

MAY_REACH: dict[Role, tuple[Role, ...]] = {
    Role.GATEWAY: (Role.ENGINE, Role.COLLECTOR),
    Role.CLIENT: (Role.GATEWAY,),
    Role.MONITORING: (Role.MONITORING, Role.SCRAPER, Role.COLLECTOR),
    Role.SCRAPER: (Role.ENGINE, Role.GATEWAY, Role.MONITORING, Role.SCRAPER, Role.COLLECTOR),
    Role.COLLECTOR: (Role.MONITORING,),
    Role.ENGINE: (),
    Role.JOB: (),
}

INSIDE_IPV4 = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "168.63.129.16/32",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
)
INSIDE_IPV6 = ("::1/128", "fc00::/7", "fe80::/10")
"""Private, shared, loopback, link-local and protocol addresses (RFC 1918, 6598, 1122, 3927, 6890, 4193,
4291): nodes, pods and services of nearly every cluster, a cloud's metadata service; and Azure's host."""

NODE_RESOLVERS = ("169.254.20.10/32", "169.254.10.10/32", "169.254.10.11/32")
"""Resolvers on the node itself: Kubernetes' NodeLocal DNSCache, AKS' LocalDNS."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def closed() -> Spec:
    """Nothing in and nothing out, for every pod of the namespace."""
    return {"pod_selector": {}, "policy_types": ["Ingress", "Egress"]}


def names() -> Spec:
    """Every pod may ask the cluster's resolver, and nobody else's."""
    resolvers: list[Peer] = [
        {
            "namespace_selector": {"match_labels": {NAMESPACE_LABEL: "kube-system"}},
            "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
        },
        *(_block(each) for each in NODE_RESOLVERS),
    ]
    return {
        "pod_selector": {},
        "policy_types": ["Egress"],
        "egress": [
            {"to": resolvers, "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}
        ],
    }


def policy(
    stack: str,
    selector: dict[str, str],
    workload: Workload,
    *,
    admitted: Sequence[str] = (),
    reachable: Sequence[str] = (),
) -> Spec:
    """What one workload may do beyond asking for names.

    `admitted` are namespaces whose pods may ask the ports it publishes; `reachable` private ranges that are
    outside for this stack.
    """
    spec: Spec = {
        "pod_selector": {"match_labels": selector},
        "policy_types": ["Ingress", "Egress"],
        "ingress": _ingress(stack, workload, admitted),
        "egress": _egress(stack, workload, reachable),
    }
    return spec


def _ingress(
    stack: str, workload: Workload, admitted: Sequence[str]
) -> list[networking.v1.NetworkPolicyIngressRuleArgsDict]:
    role = role_of(workload)
    rules: list[networking.v1.NetworkPolicyIngressRuleArgsDict] = []
    for caller, met in MAY_REACH.items():
        if role not in met:
            continue
        rule: networking.v1.NetworkPolicyIngressRuleArgsDict = {"from_": [_pods(stack, (caller,))]}
        # Parts of the monitoring set have ports that no workload names.
        if role in (Role.ENGINE, Role.GATEWAY):
            asked = [each.port for each in workload.publish] if caller is Role.CLIENT else workload.ports
            if not asked:
                # An empty list of ports would be all of them.
                continue
            rule["ports"] = _ports(asked)
        if caller is Role.GATEWAY and workload.logs_port is not None:
            rule["ports"] = _ports([workload.logs_port])
        rules.append(rule)
    if admitted and workload.publish:
        rules.append(
            {
                "from_": [
                    {"namespace_selector": {"match_labels": {NAMESPACE_LABEL: each}}} for each in admitted
                ],
                "ports": _ports([each.port for each in workload.publish]),
            }
        )
    opened = [each.port for each in workload.publish if each.host_address not in LOOPBACK]
    if opened:
        rules.append({"ports": _ports(opened)})
    return rules


def _egress(
    stack: str, workload: Workload, reachable: Sequence[str]
) -> list[networking.v1.NetworkPolicyEgressRuleArgsDict]:
    met = MAY_REACH[role_of(workload)]
    rules: list[networking.v1.NetworkPolicyEgressRuleArgsDict] = [{"to": [_pods(stack, met)]}] if met else []
    if role_of(workload) is Role.SCRAPER:
        rules.append({"to": [_gpu_exporters(stack)]})
    if workload.needs_egress:
        outside: list[Peer] = [
            {"ip_block": {"cidr": "0.0.0.0/0", "except_": list(INSIDE_IPV4)}},
            {"ip_block": {"cidr": "::/0", "except_": list(INSIDE_IPV6)}},
            *(_block(each) for each in reachable),
        ]
        rules.append({"to": outside})
    return rules


def _gpu_exporters(stack: str) -> Peer:
    """Those of the stack's own, which let in nothing but questions for metrics."""
    return {
        "namespace_selector": {"match_labels": {STACK_LABEL: dns_label(stack)}},
        "pod_selector": {"match_labels": {GPU_PART_LABEL: GPU_EXPORTER}},
    }


def _block(cidr: str) -> Peer:
    return {"ip_block": {"cidr": cidr}}


def _pods(stack: str, roles: Sequence[Role]) -> Peer:
    return {
        "pod_selector": {
            "match_labels": {STACK_LABEL: dns_label(stack)},
            "match_expressions": [
                {"key": ROLE_LABEL, "operator": "In", "values": [each.value for each in roles]}
            ],
        }
    }


def _ports(ports: Sequence[int]) -> list[networking.v1.NetworkPolicyPortArgsDict]:
    return [{"protocol": "TCP", "port": port} for port in sorted(set(ports))]
