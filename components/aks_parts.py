"""What an AKS cluster is made with: the parts of it that config can change, and those that it cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import containerservice as aks
from pulumi_azure_native import managedidentity

from components.azure_place import Place, PrincipalKind

IMAGE_CLEANER_HOURS = 168
"""Between removals of unused images from nodes; AKS takes 24 to 2160."""


@dataclass(frozen=True)
class Operator:
    """Who may use the cluster: an object of Entra ID."""

    object_id: str
    kind: PrincipalKind = "Group"


@dataclass(frozen=True)
class Maintenance:
    """When Azure may upgrade, once a week."""

    day: str = "Sunday"
    start: str = "02:00"
    hours: int = 4
    """4 to 24."""
    utc_offset: str = "+00:00"
    kubernetes: str = "patch"
    """Channel for Kubernetes itself: patch, stable, rapid, node-image or none."""
    node_os: str = "NodeImage"
    """Channel for the nodes' system: NodeImage, SecurityPatch, Unmanaged or None."""


@dataclass(frozen=True)
class SystemPool:
    """Nodes for what AKS itself runs; nothing of the kit's is placed there."""

    name: str = "system"
    sku: str = "Standard_D4ds_v5"
    min_nodes: int = 2
    max_nodes: int = 3
    zones: tuple[str, ...] = ()


def identity(control: managedidentity.UserAssignedIdentity) -> aks.ManagedClusterIdentityArgsDict:
    """Who the control plane is."""
    return {
        "type": aks.ResourceIdentityType.USER_ASSIGNED,
        # Unknown as a whole in a preview: what Azure answers is a mapping, which no list becomes.
        "user_assigned_identities": control.id.apply(lambda identity: [identity]),
    }


def kubelet(
    made: managedidentity.UserAssignedIdentity,
) -> Mapping[str, pulumi.Input[aks.UserAssignedIdentityArgsDict]]:
    """Who the nodes are; the key is the only one that AKS takes."""
    return {
        "kubeletidentity": {
            "resource_id": made.id,
            "client_id": made.client_id,
            "object_id": made.principal_id,
        }
    }


def security() -> aks.ManagedClusterSecurityProfileArgsDict:
    """Workload identity, which needs the OIDC issuer; unused images leave the nodes."""
    return {
        "workload_identity": {"enabled": True},
        "image_cleaner": {"enabled": True, "interval_hours": IMAGE_CLEANER_HOURS},
    }


def scaling() -> aks.ManagedClusterWorkloadAutoScalerProfileArgsDict:
    """Both add-ons that components/autoscaler.py uses."""
    return {"keda": {"enabled": True}, "vertical_pod_autoscaler": {"enabled": True}}


def addons() -> Mapping[str, pulumi.Input[aks.ManagedClusterAddonProfileArgsDict]]:
    """The Key Vault driver of the Secrets Store; it looks for changed secrets every two minutes."""
    config = {"enableSecretRotation": "true", "rotationPollInterval": "2m"}
    return {"azureKeyvaultSecretsProvider": {"enabled": True, "config": config}}


def api_server(private: bool, ranges: Sequence[str]) -> aks.ManagedClusterAPIServerAccessProfileArgsDict:
    """Inside the network only, or from some addresses only. `az aks command` would be a way around both."""
    if private:
        return {
            "enable_private_cluster": True,
            "enable_private_cluster_public_fqdn": False,
            "private_dns_zone": "system",
            "disable_run_command": True,
        }
    return {"authorized_ip_ranges": list(ranges), "disable_run_command": True}


def network(service_cidr: str, pod_cidr: str) -> aks.ContainerServiceNetworkProfileArgsDict:
    """Overlay addresses for pods; Cilium carries them and enforces network policies."""
    base, _, _ = service_cidr.partition("/")
    return {
        "network_plugin": aks.NetworkPlugin.AZURE,
        "network_plugin_mode": aks.NetworkPluginMode.OVERLAY,
        "network_dataplane": aks.NetworkDataplane.CILIUM,
        "network_policy": aks.NetworkPolicy.CILIUM,
        "load_balancer_sku": aks.LoadBalancerSku.STANDARD,
        "outbound_type": aks.OutboundType.LOAD_BALANCER,
        "pod_cidr": pod_cidr,
        "service_cidr": service_cidr,
        # The tenth address, as AKS itself takes it by default.
        "dns_service_ip": base.rpartition(".")[0] + ".10",
    }


def system_pool(
    pool: SystemPool, subnet: pulumi.Input[str], place: Place
) -> aks.ManagedClusterAgentPoolProfileArgsDict:
    """Tainted, so that only AKS' own pods, which tolerate it, are placed there."""
    return {
        "name": pool.name,
        "mode": aks.AgentPoolMode.SYSTEM,
        "type": aks.AgentPoolType.VIRTUAL_MACHINE_SCALE_SETS,
        "os_type": aks.OSType.LINUX,
        "vm_size": pool.sku,
        # No count: it is the autoscaler's, and each update of the cluster would ask for the one said here.
        # Azure takes a pool with bounds alone (Azure/AKS#1627).
        "enable_auto_scaling": True,
        "min_count": pool.min_nodes,
        "max_count": pool.max_nodes,
        "node_taints": ["CriticalAddonsOnly=true:NoSchedule"],
        "availability_zones": list(pool.zones) or None,
        "vnet_subnet_id": subnet,
        "upgrade_settings": {"max_surge": "1"},
        "tags": place.tags,
    }
