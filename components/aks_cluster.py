"""An AKS cluster with its system pool: identities, network policy, scaling add-ons, upgrades."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
from pulumi_azure_native import containerservice, managedidentity

from components import aks_parts as parts
from components.aks_kubeconfig import operator_kubeconfig
from components.aks_parts import Maintenance, Operator, SystemPool
from components.azure_place import Place, Role, computed, grant
from components.azure_pool_rules import check_scale
from components.azure_rules import check_api_server, check_name, check_version


class AksClusterArgs(TypedDict):
    """A cluster and who may reach it."""

    place: Place
    network: pulumi.Input[str]
    """Id of the virtual network."""
    nodes: pulumi.Input[str]
    """Id of its subnet for nodes."""
    service_cidr: str
    pod_cidr: str
    private: bool
    """Whether the API server has an address inside the network only."""
    authorized_ranges: Sequence[str]
    """Who reaches a public API server, CIDR; empty exactly where it is private."""
    operators: Sequence[Operator]
    """They may do everything in the cluster. There is no other way in: it has no local accounts."""
    system_pool: NotRequired[SystemPool]
    """Its version stays when the cluster's is a later one: `az aks nodepool upgrade`."""
    maintenance: NotRequired[Maintenance]
    cluster_name: NotRequired[str]
    """Default: the component's name and a suffix."""
    kubernetes_version: NotRequired[str]
    """major.minor; major.minor.patch where `maintenance` never upgrades Kubernetes, and none where it goes on
    to later minor versions. A later one is the control plane's: pools have their own. Default: Azure's."""
    managed_prometheus: NotRequired[bool]
    """Whether Azure's agent collects metrics. Default: no."""


class AksCluster(pulumi.ComponentResource):
    """No local accounts; Azure RBAC, workload identity with its issuer, Cilium, KEDA, VPA, image cleaner."""

    cluster_name: pulumi.Output[str]
    id: pulumi.Output[str]
    oidc_issuer: pulumi.Output[str]
    """URL that identities trust service accounts of the cluster by."""
    kubelet_principal: pulumi.Output[str]
    """Who pulls images."""
    kubeconfig: pulumi.Output[str]
    """For who is signed in with the Azure CLI; holds no credential (components/aks_kubeconfig.py)."""

    def __init__(self, name: str, args: AksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        pool = args.get("system_pool", SystemPool())
        check_api_server(args["private"], args["authorized_ranges"])
        if "kubernetes_version" in args:
            check_version(args["kubernetes_version"], args.get("maintenance", Maintenance()).kubernetes)
        check_name("dnsPrefix", name)
        check_name("pool", pool.name)
        check_scale(pool.name, pool.min_nodes, pool.max_nodes, system=True)
        if "cluster_name" in args:
            check_name("cluster", args["cluster_name"])
        super().__init__("slm:index:AksCluster", name, {}, opts)
        self._name, self._args, self._place = name, args, args["place"]
        self._control = self._identity("control")
        self._kubelet = self._identity("kubelet")
        self._cluster = self._made(pool)
        self._maintain(args.get("maintenance", Maintenance()))
        self._let_in(args["operators"])
        self.cluster_name = self._cluster.name
        self.id = self._cluster.id
        self.oidc_issuer = computed(
            self._cluster, self._cluster.oidc_issuer_profile, lambda profile: profile.issuer_url
        )
        self.kubelet_principal = self._kubelet.principal_id
        self.kubeconfig = operator_kubeconfig(self._cluster, self._place.resource_group, self)
        self.register_outputs({"clusterName": self.cluster_name, "oidcIssuer": self.oidc_issuer})

    def _identity(self, part: str) -> managedidentity.UserAssignedIdentity:
        return managedidentity.UserAssignedIdentity(
            f"{self._name}-{part}",
            resource_group_name=self._place.resource_group,
            location=self._place.location,
            tags=self._place.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _rights(self) -> list[pulumi.Resource]:
        """What the control plane needs: the kubelet's identity on its nodes, and addresses for them."""
        principal = self._control.principal_id
        # The name of a private API server is linked to the whole network; else the subnet is enough.
        scope = self._args["network"] if self._args["private"] else self._args["nodes"]
        return [
            grant(
                f"{self._name}-uses-kubelet", Role.IDENTITY_OPERATOR, self._place,
                principal=principal, scope=self._kubelet.id, parent=self,
            ),
            grant(
                f"{self._name}-joins-network", Role.NETWORK_CONTRIBUTOR, self._place,
                principal=principal, scope=scope, parent=self,
            ),
        ]  # fmt: skip

    def _made(self, pool: SystemPool) -> containerservice.ManagedCluster:
        args, place = self._args, self._place
        when = args.get("maintenance", Maintenance())
        return containerservice.ManagedCluster(
            self._name,
            resource_name_=args.get("cluster_name"),
            resource_group_name=place.resource_group,
            location=place.location,
            tags=place.tags,
            dns_prefix=self._name,
            kubernetes_version=args.get("kubernetes_version"),
            sku={"name": "Base", "tier": "Standard"},
            identity=parts.identity(self._control),
            identity_profile=parts.kubelet(self._kubelet),
            aad_profile={"managed": True, "enable_azure_rbac": True, "tenant_id": place.tenant_id},
            enable_rbac=True,
            disable_local_accounts=True,
            oidc_issuer_profile={"enabled": True},
            security_profile=parts.security(),
            api_server_access_profile=parts.api_server(args["private"], args["authorized_ranges"]),
            network_profile=parts.network(args["service_cidr"], args["pod_cidr"]),
            workload_auto_scaler_profile=parts.scaling(),
            addon_profiles=parts.addons(),
            auto_upgrade_profile={
                "upgrade_channel": when.kubernetes,
                "node_os_upgrade_channel": when.node_os,
            },
            azure_monitor_profile={"metrics": {"enabled": args.get("managed_prometheus", False)}},
            agent_pool_profiles=[parts.system_pool(pool, args["nodes"], place)],
            opts=pulumi.ResourceOptions(
                parent=self,
                # The order that no value carries: AKS looks at both rights when it makes the cluster.
                depends_on=self._rights(),
            ),
        )

    def _maintain(self, when: Maintenance) -> None:
        """One window for Kubernetes, one for the nodes' system, at the same time."""
        for name in ("aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"):
            containerservice.MaintenanceConfiguration(
                f"{self._name}-{name}",
                config_name=name,
                resource_group_name=self._place.resource_group,
                resource_name_=self._cluster.name,
                maintenance_window={
                    "duration_hours": when.hours,
                    "start_time": when.start,
                    "utc_offset": when.utc_offset,
                    "schedule": {"weekly": {"day_of_week": when.day, "interval_weeks": 1}},
                },
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _let_in(self, operators: Sequence[Operator]) -> None:
        """The right to fetch the kubeconfig, and the right to use it."""
        for at, each in enumerate(operators):
            for part, role in (("user", Role.CLUSTER_USER), ("admin", Role.CLUSTER_ADMIN)):
                grant(
                    f"{self._name}-operator-{at}-{part}", role, self._place,
                    principal=each.object_id, scope=self._cluster.id, parent=self, kind=each.kind,
                )  # fmt: skip
