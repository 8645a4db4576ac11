"""Sizes of Azure machines: azure_skus.yaml, typed, joined with the GPUs of hardware.yaml."""

import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import Field

from catalog.errors import KitError
from catalog.hardware import Hardware, hardware
from catalog.models import Row

MigProfile = Literal["MIG1g", "MIG2g", "MIG3g", "MIG4g", "MIG7g"]
"""How a GPU is cut (AKS REST 2025-09-01, GPUInstanceProfile); fixed when the pool is made."""
MIG_PROFILES: tuple[MigProfile, ...] = get_args(MigProfile)


class AzureSku(Row):
    """One size of machine."""

    name: str
    vcpus: Annotated[int, Field(ge=1)]
    """What a node takes of the subscription's quota."""
    memory_gib: Annotated[float, Field(gt=0)]
    usd_per_hour: Annotated[float, Field(gt=0)] | None = None
    """Pay as you go; None where no public text names it."""
    mig: bool = False
    """Whether its GPUs can be cut into instances."""
    gpu: Hardware | None = None
    gpus: int = 0
    """How many of the GPU it has."""


class _Mig(Row):
    instances: Annotated[int, Field(ge=1, le=7)]
    memory_eighths: Annotated[int, Field(ge=1, le=8)]


@cache
def _file() -> Mapping[str, Any]:
    rows: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("azure_skus.yaml").read_text())
    return rows


@cache
def azure_skus() -> Mapping[str, AzureSku]:
    """Every size by name, in the order of the file."""
    on_gpus = {offer.sku: (gpu, offer) for gpu in hardware().values() for offer in gpu.offers}
    found: dict[str, AzureSku] = {}
    for name, row in _file()["skus"].items():
        sku = AzureSku.model_validate({"name": name, **row})
        if name in on_gpus:
            gpu, offer = on_gpus[name]
            # Only this machine is paid for, not a smaller one with the same GPU.
            here = gpu.model_copy(update={"offers": (offer,), "most_gpus": offer.gpus})
            sku = sku.model_copy(update={"gpu": here, "gpus": offer.gpus, "usd_per_hour": offer.usd_per_hour})
        found[name] = sku
    return found


@cache
def control_plane_usd_per_hour() -> float:
    """Of one cluster's control plane, tier Standard."""
    return float(_file()["controlPlane"]["usdPerHour"])


def find(name: str) -> AzureSku:
    """The size of that name; an unknown one is refused with the nearest that exists."""
    known = azure_skus()
    for each in known.values():
        if each.name.lower() == name.lower():
            return each
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    raise KitError(
        f"Azure size {name!r}",
        f"not in the catalog, which has {', '.join(known)}",
        f"Did you mean {near[0]}?" if near else "Add it to catalog/azure_skus.yaml.",
    )


def cut(sku: AzureSku, profile: MigProfile | None) -> tuple[Hardware, int]:
    """What one model gets of the size's GPUs, and how many of these a node has; `profile` cuts each GPU.

    Raises KitError for a size without a GPU, or one whose GPU cannot be cut.
    """
    if sku.gpu is None:
        fitting = ", ".join(each.name for each in azure_skus().values() if each.gpu is not None)
        raise KitError(f"Azure size {sku.name}", "has no GPU", f"Choose one of {fitting}.")
    if profile is None:
        return sku.gpu, sku.gpus
    if not sku.mig:
        able = ", ".join(each.name for each in azure_skus().values() if each.mig)
        raise KitError(
            f"mig {profile} on {sku.name}", "its GPU cannot be cut into instances", f"Choose one of {able}."
        )
    rule = _Mig.model_validate(_file()["migProfiles"][profile])
    share = rule.memory_eighths / 8
    part = sku.gpu.model_copy(
        update={
            "title": f"{sku.gpu.title}, {profile}",
            "memory_mib": int(sku.gpu.memory_mib * share),
            "bandwidth": None if sku.gpu.bandwidth is None else sku.gpu.bandwidth * share,
            # An engine on instances of several GPUs: vLLM and Ollama see one instance each.
            "most_gpus": 1,
        }
    )
    return part, sku.gpus * rule.instances
