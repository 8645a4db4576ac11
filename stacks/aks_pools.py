"""What config can say about the pools of a cluster on Azure."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from catalog.azure_skus import MigProfile
from catalog.azure_skus import find as find_sku
from catalog.errors import KitError
from components.aks_parts import SystemPool
from components.azure_pool_rules import (
    Eviction,
    Priority,
    check_fixed,
    check_priority,
    check_regular,
    check_scale,
)
from components.azure_rules import check_name
from stacks.base import Settings

Zone = Annotated[str, Field(pattern=r"^[1-3]$")]
MIN_DISK, MAX_DISK = 64, 2048
"""GiB. Images that compute on GPUs are 10 GB and more; 2048 is Azure's own bound (osDiskSizeGB)."""


class PoolSettings(Settings):
    """Nodes of one size."""

    name: str
    min_nodes: int = 0
    max_nodes: int = 1
    zones: tuple[Zone, ...] = ()
    """Default: Azure's choice, none guaranteed. GPUs are not in every zone."""
    priority: Priority = "Regular"
    """Spot for pools with GPUs only."""
    eviction_policy: Eviction | None = None
    """For Spot, and needed there."""
    max_usd_per_hour: Annotated[float, Field(gt=0)] | None = None
    """For Spot. Default: as much as a regular node."""
    os_disk_gib: Annotated[int, Field(ge=MIN_DISK, le=MAX_DISK)] | None = None
    os_disk_type: Literal["Managed", "Ephemeral"] | None = None

    @model_validator(mode="after")
    def _can_be_had(self) -> "PoolSettings":
        check_name("pool", self.name)
        check_scale(self.name, self.min_nodes, self.max_nodes)
        check_priority(self.name, self.priority, self.eviction_policy, self.max_usd_per_hour)
        return self


class WorkPoolSettings(PoolSettings):
    """Nodes for the gateway, monitoring, jobs and engines on processors."""

    name: str = "work"
    sku: str = "Standard_D8ds_v5"
    min_nodes: int = 1
    max_nodes: int = 3

    @model_validator(mode="after")
    def _runs_what_needs_no_gpu(self) -> "WorkPoolSettings":
        check_regular(self.name, self.priority)
        _refuse_gpus(self.name, self.sku)
        return self


class PoolModelSettings(Settings):
    """A model that the pool's GPUs must hold. The workload layer serves it; here it decides the size."""

    name: str
    """Its name in the catalog."""
    engine: Literal["auto", "ollama", "vllm"] = "auto"
    context_length: Annotated[int, Field(ge=128)] = 2048
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4


class GpuPoolSettings(PoolSettings):
    """Nodes with GPUs, of the size that its models need."""

    name: str = "gpu"
    models: Annotated[tuple[PoolModelSettings, ...], Field(min_length=1)]
    """Each fits alone on one node: a GPU belongs to one model."""
    sku: str | None = None
    """Default: the cheapest of catalog/azure_skus.yaml that holds each of them."""
    mig: MigProfile | None = None
    """Needs `sku`, one with A100 or H100, and `minNodes` as large as `maxNodes`: AKS does not scale it."""
    driver: Literal["Install", "None"] = "Install"

    @model_validator(mode="after")
    def _mig_is_complete(self) -> "GpuPoolSettings":
        if self.mig is not None and self.sku is None:
            raise KitError(f"mig of pool {self.name}", "which GPU is cut is not said", "Name the pool's sku.")
        if self.mig is not None:
            check_fixed(self.name, self.min_nodes, self.max_nodes)
        return self


class SystemPoolSettings(Settings):
    """Nodes for what AKS itself runs. Later its bounds can be changed, not its size (docs/guides/aks.md)."""

    sku: str = SystemPool.sku
    min_nodes: int = SystemPool.min_nodes
    max_nodes: int = SystemPool.max_nodes
    zones: tuple[Zone, ...] = ()

    @model_validator(mode="after")
    def _can_be_had(self) -> "SystemPoolSettings":
        check_scale(SystemPool.name, self.min_nodes, self.max_nodes, system=True)
        _refuse_gpus(SystemPool.name, self.sku)
        return self

    def as_pool(self) -> SystemPool:
        """For the cluster."""
        return SystemPool(SystemPool.name, self.sku, self.min_nodes, self.max_nodes, self.zones)


def _refuse_gpus(pool: str, sku: str) -> None:
    """Raise KitError for a size with GPUs: nothing that the pool is for would use them."""
    if find_sku(sku).gpu is not None:
        raise KitError(
            f"sku {sku} of pool {pool}",
            "has GPUs, which are paid for and which nothing there uses",
            "Choose a size without, and list this one in gpuPools.",
        )
