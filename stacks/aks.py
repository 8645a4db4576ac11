"""The cluster layer on Azure: network, cluster, pools, registry, vault. What runs there is another stack."""

import pulumi
import pulumi_azure_native as azure
from pulumi_azure_native import resources

from catalog.sizing.table import as_output
from components.aks_cluster import AksCluster, AksClusterArgs
from components.azure_monitoring import AzureMonitoring
from components.azure_network import AzureNetwork
from components.azure_place import Place
from components.container_registry import ContainerRegistry, ContainerRegistryArgs
from components.gpu_node_pool import GpuNodePool, GpuNodePoolArgs, NodePool
from components.key_vault import KeyVault, KeyVaultArgs
from stacks.aks_config import read_aks_settings, vault_secrets
from stacks.aks_plan import AksPlan, as_cost, plan
from stacks.aks_pools import PoolSettings
from stacks.aks_settings import AksSettings


def program() -> None:
    """Compose the stack from its config; everything that can be refused is, before the first resource."""
    settings = read_aks_settings()
    made = plan(settings)
    pulumi.log.info(made.table)
    # The subscription of the config, whichever the Azure CLI has chosen.
    provider = azure.Provider("azure", subscription_id=settings.subscription_id, tenant_id=settings.tenant_id)
    on_azure = pulumi.ResourceOptions(providers=[provider])
    place = _place(settings, provider)
    network = AzureNetwork(
        "network", {"place": place, "address_space": settings.network.address_space}, on_azure
    )
    cluster = AksCluster("aks", _cluster_args(settings, place, network), on_azure)
    _pools(settings, made, place, network, cluster, on_azure)
    registry = ContainerRegistry("registry", _registry_args(settings, place, network, cluster), on_azure)
    vault = KeyVault("vault", _vault_args(settings, place, network, cluster), on_azure)
    if settings.managed_monitoring:
        viewers = [each.as_operator() for each in settings.operators]
        page = AzureMonitoring(
            "monitoring", {"place": place, "cluster": cluster.id, "viewers": viewers}, on_azure
        )
        pulumi.export("grafana", page.grafana)
    _export(settings, made, place, cluster, registry, vault)


def _place(settings: AksSettings, provider: azure.Provider) -> Place:
    tags = {"slm-kit.stack": pulumi.get_stack(), "slm-kit.project": pulumi.get_project(), **settings.tags}
    group = resources.ResourceGroup(
        "slm-kit",
        location=settings.location,
        tags=tags,
        opts=pulumi.ResourceOptions(provider=provider),
    )
    return Place(settings.subscription_id, settings.tenant_id, settings.location, group.name, tags)


def _cluster_args(settings: AksSettings, place: Place, network: AzureNetwork) -> AksClusterArgs:
    args: AksClusterArgs = {
        "place": place,
        "network": network.id,
        "nodes": network.nodes,
        "service_cidr": settings.network.service_cidr,
        "pod_cidr": settings.network.pod_cidr,
        "private": settings.api_server.private,
        "authorized_ranges": settings.api_server.authorized_ranges,
        "operators": [each.as_operator() for each in settings.operators],
        "system_pool": settings.system_pool.as_pool(),
        "maintenance": settings.maintenance.as_maintenance(),
        "managed_prometheus": settings.managed_monitoring,
    }
    if settings.cluster_name is not None:
        args["cluster_name"] = settings.cluster_name
    if settings.kubernetes_version is not None:
        args["kubernetes_version"] = settings.kubernetes_version
    return args


def _pools(
    settings: AksSettings,
    made: AksPlan,
    place: Place,
    network: AzureNetwork,
    cluster: AksCluster,
    opts: pulumi.ResourceOptions,
) -> None:
    work, version = settings.work_pool, settings.kubernetes_version
    NodePool(f"pool-{work.name}", _pool_args(work, work.sku, place, network, cluster, version), opts)
    for each in made.pools:
        wanted = each.settings
        args = _pool_args(wanted, each.sku.name, place, network, cluster, version)
        args["driver"] = wanted.driver
        if wanted.mig is not None:
            args["mig"] = wanted.mig
        GpuNodePool(f"pool-{wanted.name}", args, opts)


def _pool_args(
    pool: PoolSettings,
    sku: str,
    place: Place,
    network: AzureNetwork,
    cluster: AksCluster,
    version: str | None,
) -> GpuNodePoolArgs:
    """What pools with and without GPUs have in common."""
    args: GpuNodePoolArgs = {
        "place": place,
        "cluster_name": cluster.cluster_name,
        "subnet": network.nodes,
        "pool_name": pool.name,
        "sku": sku,
        "min_nodes": pool.min_nodes,
        "max_nodes": pool.max_nodes,
        "zones": pool.zones,
        "priority": pool.priority,
    }
    if version is not None:
        args["kubernetes_version"] = version
    if pool.eviction_policy is not None:
        args["eviction_policy"] = pool.eviction_policy
    if pool.max_usd_per_hour is not None:
        args["max_usd_per_hour"] = pool.max_usd_per_hour
    if pool.os_disk_gib is not None:
        args["os_disk_gib"] = pool.os_disk_gib
    if pool.os_disk_type is not None:
        args["os_disk_type"] = pool.os_disk_type
    return args


def _registry_args(
    settings: AksSettings, place: Place, network: AzureNetwork, cluster: AksCluster
) -> ContainerRegistryArgs:
    args: ContainerRegistryArgs = {
        "place": place,
        "network": network,
        "puller": cluster.kubelet_principal,
        "pushed_from": settings.api_server.authorized_ranges,
    }
    if settings.registry.name is not None:
        args["registry_name"] = settings.registry.name
    return args


def _vault_args(
    settings: AksSettings, place: Place, network: AzureNetwork, cluster: AksCluster
) -> KeyVaultArgs:
    args: KeyVaultArgs = {
        "place": place,
        "network": network,
        "issuer": cluster.oidc_issuer,
        "reached_from": settings.api_server.authorized_ranges,
        "secrets": vault_secrets(),
        "readers": [each.as_reader() for each in settings.vault.readers],
        "retention_days": settings.vault.retention_days,
    }
    if settings.vault.name is not None:
        args["vault_name"] = settings.vault.name
    return args


def _export(
    settings: AksSettings,
    made: AksPlan,
    place: Place,
    cluster: AksCluster,
    registry: ContainerRegistry,
    vault: KeyVault,
) -> None:
    """What the workload layer and operators need; nothing of it is a secret."""
    pulumi.export("resourceGroup", place.resource_group)
    pulumi.export("clusterName", cluster.cluster_name)
    pulumi.export("kubeconfig", cluster.kubeconfig)
    pulumi.export("registry", registry.login_server)
    pulumi.export("vault", {"name": vault.vault_name, "uri": vault.uri, "tenantId": place.tenant_id})
    pulumi.export("identities", vault.client_ids)
    pulumi.export("workPool", settings.work_pool.name)
    pulumi.export("gpuPools", [each.as_output() for each in made.pools])
    pulumi.export("scaling", {"keda": True, "vpa": True})
    pulumi.export("sizing", as_output(made.sizes))
    pulumi.export("cost", as_cost(made.costs))
