"""What an aks stack will be, as data: sizes of GPU pools, what models need there, and what a month costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog import models as catalog
from catalog.azure_skus import AzureSku, azure_skus, control_plane_usd_per_hour, cut
from catalog.azure_skus import find as find_sku
from catalog.choosing import choose_engine
from catalog.errors import KitError
from catalog.models import EngineName
from catalog.sizing.cost import HOURS_A_MONTH
from catalog.sizing.fit import Fit
from catalog.sizing.table import SizeRow, number, render, size_row, stack_table
from components.aks_parts import SystemPool
from components.gpu_nodes import GPU_LABEL, GPU_TAINT, POOL_LABEL
from stacks.aks_pools import GpuPoolSettings, PoolModelSettings
from stacks.aks_settings import AksSettings

COST_NOTE = (
    "$: pay as you go in eastus (catalog/azure_skus.yaml), 730 hours a month. Not counted, no price known\n"
    "here: registry (Premium), private endpoints, disks, addresses, traffic, managed monitoring.\n"
    "Spot nodes cost less; they are counted as regular ones."
)


@dataclass(frozen=True)
class GpuPool:
    """A pool and the size that was found for it."""

    settings: GpuPoolSettings
    sku: AzureSku
    fits: tuple[Fit, ...]
    """One a model, alone on a node."""
    allocatable: int
    """What a node offers as nvidia.com/gpu: GPUs, or instances of them."""

    def as_output(self) -> dict[str, Any]:
        """For the workload layer: where its GPU pods go, and how many there is room for."""
        name = self.settings.name
        hardware = self.fits[0].hardware.name
        return {
            "name": name,
            "sku": self.sku.name,
            "hardware": hardware,
            "gpusPerNode": self.allocatable,
            "mig": self.settings.mig,
            "minNodes": self.settings.min_nodes,
            "maxNodes": self.settings.max_nodes,
            "spot": self.settings.priority == "Spot",
            "nodeSelector": {POOL_LABEL: name, GPU_LABEL: hardware},
            "taint": GPU_TAINT,
            "models": [each.model.name for each in self.fits],
        }


@dataclass(frozen=True)
class CostRow:
    """What a pool costs a month, US dollars; None where no price is known."""

    pool: str
    sku: str
    least_nodes: int
    most_nodes: int
    vcpus: int
    """Quota that its most nodes take."""
    least: float | None
    most: float | None


@dataclass(frozen=True)
class AksPlan:
    """What the composition registers, and the tables that are printed before."""

    pools: tuple[GpuPool, ...]
    costs: tuple[CostRow, ...]

    @property
    def sizes(self) -> list[SizeRow]:
        """A row a model and pool."""
        return [size_row(found) for pool in self.pools for found in pool.fits]

    @property
    def table(self) -> str:
        """Sizes and costs for people."""
        sizes = ["memory in GiB", stack_table(self.sizes), ""] if self.pools else []
        return "\n".join([*sizes, cost_table(self.costs)])


def plan(settings: AksSettings) -> AksPlan:
    """Sizes and costs. Raises KitError for a pool that no size fits."""
    pools = tuple(_gpu_pool(each) for each in settings.gpu_pools)
    control_plane = control_plane_usd_per_hour() * HOURS_A_MONTH
    system, work = settings.system_pool, settings.work_pool
    costs = (
        CostRow("control plane", "Standard", 1, 1, 0, control_plane, control_plane),
        _cost(SystemPool.name, find_sku(system.sku), system.min_nodes, system.max_nodes),
        _cost(work.name, find_sku(work.sku), work.min_nodes, work.max_nodes),
        *(
            _cost(each.settings.name, each.sku, each.settings.min_nodes, each.settings.max_nodes)
            for each in pools
        ),
    )
    return AksPlan(pools, costs)


def cost_table(rows: Sequence[CostRow]) -> str:
    """A line a pool, with the sum, and what is not in it."""
    head = ("pool", "size", "nodes", "vCPUs", "$/month least", "most")
    lines = [
        (
            row.pool, row.sku, f"{row.least_nodes} to {row.most_nodes}", str(row.vcpus or "-"),
            number(row.least), number(row.most),
        )
        for row in rows
    ]  # fmt: skip
    total = as_cost(rows)
    lines.append(("all", "", "", "", number(total["leastUsdPerMonth"]), number(total["mostUsdPerMonth"])))
    return f"{render(head, lines, left=2)}\n{COST_NOTE}"


def as_cost(rows: Sequence[CostRow]) -> Mapping[str, float | None]:
    """The sums as a stack's output; None where one price is not known."""
    least, most = [row.least for row in rows], [row.most for row in rows]
    return {"leastUsdPerMonth": _sum(least), "mostUsdPerMonth": _sum(most)}


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known), 2) if len(known) == len(values) else None


def _cost(pool: str, sku: AzureSku, least: int, most: int) -> CostRow:
    month = None if sku.usd_per_hour is None else sku.usd_per_hour * HOURS_A_MONTH
    ends = [0.0 if nodes == 0 else None if month is None else nodes * month for nodes in (least, most)]
    return CostRow(pool, sku.name, least, most, most * sku.vcpus, ends[0], ends[1])


def _gpu_pool(settings: GpuPoolSettings) -> GpuPool:
    for model in settings.models:
        # A name that is no model is no matter of sizes.
        catalog.find(model.name)
    if settings.sku is not None:
        return _on(settings, find_sku(settings.sku))
    priced = [each for each in azure_skus().values() if each.gpu and each.usd_per_hour is not None]
    refused: KitError | None = None
    for sku in sorted(priced, key=lambda each: (each.usd_per_hour or 0, each.name)):
        try:
            return _on(settings, sku)
        except KitError as error:
            refused = error
    raise KitError(
        f"pool {settings.name}",
        f"no size of catalog/azure_skus.yaml holds its models; the largest: {refused}",
        "Lower contextLength or concurrency, serve a smaller model, or spread them over pools.",
    )


def _on(settings: GpuPoolSettings, sku: AzureSku) -> GpuPool:
    """The pool's models on one size. Raises KitError for the first that does not fit."""
    _, allocatable = cut(sku, settings.mig)
    fits = tuple(_fit(settings, model, sku) for model in settings.models)
    return GpuPool(settings, sku, fits, allocatable)


def _fit(settings: GpuPoolSettings, model: PoolModelSettings, sku: AzureSku) -> Fit:
    hardware, _ = cut(sku, settings.mig)
    on = sku.name if settings.mig is None else f"{sku.name}, {settings.mig}"
    engines: tuple[EngineName, ...] = ("vllm", "ollama") if model.engine == "auto" else (model.engine,)
    try:
        found = choose_engine(
            catalog.find(model.name), hardware, model.context_length, model.concurrency, engines=engines
        )
    except KitError as error:
        raise KitError(
            f"model {model.name} on pool {settings.name} ({on})", error.limit, error.next_step
        ) from error
    return found.fit
