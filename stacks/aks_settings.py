"""What config can say about the cluster layer on Azure: typed, frozen, checked before any resource."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from catalog.azure_skus import find as find_sku
from catalog.errors import KitError
from components.aks_parts import Maintenance, Operator, SystemPool
from components.azure_place import PrincipalKind
from components.azure_rules import check_api_server, check_name, check_networks, check_version
from components.key_vault import Reader
from stacks.aks_pools import GpuPoolSettings, SystemPoolSettings, WorkPoolSettings
from stacks.base import Settings

Uuid = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
TagName = Annotated[str, Field(pattern=r"^[^<>%&\\?/]{1,512}$")]
TagValue = Annotated[str, Field(max_length=256)]
MOST_TAGS = 45
"""Azure takes 50 on a resource (learn.microsoft.com/azure/azure-resource-manager/management/tag-resources);
the kit and AKS have their own."""


class OperatorSettings(Settings):
    """Who may do everything in the cluster: a user, group or service principal of Entra ID."""

    object_id: Uuid
    kind: PrincipalKind = "Group"

    def as_operator(self) -> Operator:
        """For the cluster."""
        return Operator(self.object_id, self.kind)


class ApiServerSettings(Settings):
    """How operators reach the cluster. One of both; neither is refused."""

    private: bool = False
    authorized_ranges: tuple[str, ...] = ()
    """IPv4, CIDR. They may reach the registry and the vault too."""


class MaintenanceSettings(Settings):
    """When Azure may upgrade, once a week."""

    day: Literal["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] = "Sunday"
    start: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = Maintenance.start
    hours: Annotated[int, Field(ge=4, le=24)] = Maintenance.hours
    utc_offset: Annotated[str, Field(pattern=r"^[+-](0[0-9]|1[0-4]):[0-5][0-9]$")] = Maintenance.utc_offset
    kubernetes: Literal["patch", "stable", "rapid", "node-image", "none"] = "patch"
    node_os: Literal["NodeImage", "SecurityPatch", "Unmanaged", "None"] = "NodeImage"

    def as_maintenance(self) -> Maintenance:
        """For the cluster."""
        return Maintenance(**self.model_dump())


class ReaderSettings(Settings):
    """A service account that needs secrets of the vault."""

    namespace: str
    service_account: str
    secrets: tuple[str, ...]

    def as_reader(self) -> Reader:
        """For the vault."""
        return Reader(self.namespace, self.service_account, self.secrets)


class VaultSettings(Settings):
    """The vault; its secrets are in the secret config vaultSecrets, a value a name."""

    name: str | None = None
    retention_days: Annotated[int, Field(ge=7, le=90)] = 90
    readers: tuple[ReaderSettings, ...] = ()


class RegistrySettings(Settings):
    """The registry."""

    name: str | None = None


class NetworkSettings(Settings):
    """Addresses. They must not overlap, nor with networks that are to be reached."""

    address_space: str = "10.240.0.0/16"
    service_cidr: str = "10.0.0.0/16"
    pod_cidr: str = "10.244.0.0/16"

    @model_validator(mode="after")
    def _can_be_had(self) -> "NetworkSettings":
        check_networks(self.address_space, self.service_cidr, self.pod_cidr)
        return self


class AksSettings(Settings):
    """Everything config can say about a stack with target aks."""

    target: Literal["aks"]
    runner: Literal["pulumi", "rehearsal"] | None = None
    subscription_id: Uuid
    """The one that all is made in, whichever is chosen in the Azure CLI."""
    tenant_id: Uuid
    location: Annotated[str, Field(pattern=r"^[a-z0-9]+$")]
    """Region, such as eastus."""
    tags: Annotated[Mapping[TagName, TagValue], Field(max_length=MOST_TAGS)] = {}
    """On everything, beside the kit's own."""
    cluster_name: str | None = None
    """Default: the stack's name and a suffix."""
    kubernetes_version: Annotated[str, Field(pattern=r"^1\.[0-9]{2}(\.[0-9]+)?$")] | None = None
    """Such as "1.34". With a patch where maintenance.kubernetes is node-image or none, and not at all where
    it is stable or rapid, which choose it. Default: Azure's."""
    operators: Annotated[tuple[OperatorSettings, ...], Field(min_length=1)]
    api_server: ApiServerSettings = ApiServerSettings()
    network: NetworkSettings = NetworkSettings()
    system_pool: SystemPoolSettings = SystemPoolSettings()
    work_pool: WorkPoolSettings = WorkPoolSettings()
    gpu_pools: tuple[GpuPoolSettings, ...] = ()
    registry: RegistrySettings = RegistrySettings()
    vault: VaultSettings = VaultSettings()
    maintenance: MaintenanceSettings = MaintenanceSettings()
    managed_monitoring: bool = False
    """Azure's Prometheus and Grafana, beside the monitoring of the workload layer. Default: no."""

    @model_validator(mode="after")
    def _can_be_had(self) -> "AksSettings":
        check_api_server(self.api_server.private, self.api_server.authorized_ranges)
        for kind, name in (
            ("cluster", self.cluster_name),
            ("registry", self.registry.name),
            ("vault", self.vault.name),
        ):
            if name is not None:
                check_name(kind, name)
        if self.kubernetes_version is not None:
            check_version(self.kubernetes_version, self.maintenance.kubernetes)
        find_sku(self.work_pool.sku)
        names = [SystemPool.name, self.work_pool.name, *(pool.name for pool in self.gpu_pools)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise KitError(f"pool {twice[0]!r}", "is there twice", "Give each pool a name of its own.")
        return self
