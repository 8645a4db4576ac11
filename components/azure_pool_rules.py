"""What Azure refuses of a pool of nodes, refused here first: bounds and pairs of the REST reference.

Microsoft.ContainerService 2025-09-01 (agentPools), and what it says of no field: the pages named below.
"""

from typing import Literal

from catalog.errors import KitError

MOST_NODES = 1000
"""Of one pool: agentPools.count, 0 to 1000 for user pools, 1 to 1000 for system pools."""

Priority = Literal["Regular", "Spot"]
Eviction = Literal["Delete", "Deallocate"]


def check_scale(pool: str, least: int, most: int, *, system: bool = False) -> None:
    """Raise KitError for bounds of a pool that cannot be: a system pool is never without a node."""
    floor = 1 if system else 0
    if not floor <= least <= MOST_NODES:
        raise KitError(
            f"minNodes {least} of pool {pool}", f"Azure takes {floor} to {MOST_NODES}", "Correct it."
        )
    if not max(1, least) <= most <= MOST_NODES:
        raise KitError(
            f"maxNodes {most} of pool {pool}",
            f"must be {max(1, least)} (minNodes, at least 1) to {MOST_NODES}",
            "Correct it.",
        )


def check_fixed(pool: str, least: int, most: int) -> None:
    """Raise KitError for bounds of a pool with cut GPUs, which AKS' autoscaler does not support.

    learn.microsoft.com/azure/aks/gpu-multi-instance, as Azure/AKS#4216 quotes it.
    """
    if not 1 <= least == most:
        raise KitError(
            f"minNodes {least} and maxNodes {most} of pool {pool} with mig",
            "AKS does not scale a pool whose GPUs are cut: as many nodes as said are there, and paid for",
            f"Set both to the same number, such as {most}; or remove mig.",
        )


def check_priority(
    pool: str, priority: Priority, eviction: Eviction | None, most_usd_per_hour: float | None
) -> None:
    """Spot and what belongs to it come together. Raises KitError for one without the other."""
    if priority == "Spot" and eviction is None:
        raise KitError(
            f"pool {pool} with priority Spot",
            "what happens to an evicted node is not said",
            "Set evictionPolicy to Delete (nothing is kept) or Deallocate (disk and quota are kept).",
        )
    if priority == "Regular" and (eviction is not None or most_usd_per_hour is not None):
        raise KitError(
            f"evictionPolicy or maxUsdPerHour of pool {pool}",
            "only Spot nodes are evicted",
            "Remove it, or set priority: Spot.",
        )


def check_regular(pool: str, priority: Priority) -> None:
    """Raise KitError for Spot where pods tolerate no taint: AKS sets one on each Spot node, always.

    learn.microsoft.com/azure/aks/spot-node-pool: kubernetes.azure.com/scalesetpriority=spot:NoSchedule.
    """
    if priority == "Spot":
        raise KitError(
            f"pool {pool} with priority Spot",
            "AKS taints Spot nodes, and nothing that this pool is for tolerates that",
            "Remove priority and what belongs to it; a pool of gpuPools may be Spot.",
        )
