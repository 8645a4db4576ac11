"""What the kit knows about machines and GPUs: hardware.yaml, typed."""

import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, model_validator

from catalog.engines import Place
from catalog.errors import KitError
from catalog.models import EngineName, Row

MIB = 1024 * 1024
UNKNOWN_MIB = 2**40
"""Memory of a machine whose memory nobody knows: nothing is refused for want of it. It is never shown."""


class Offer(Row):
    """A machine that can be rented: GPUs and price."""

    sku: str
    gpus: Annotated[int, Field(ge=1)]
    usd_per_hour: Annotated[float, Field(gt=0)] | None
    """Pay as you go; None where no public text names it."""
    region: str
    as_of: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    source: Annotated[str, Field(min_length=1)]


class Hardware(Row):
    """One machine or GPU of hardware.yaml."""

    name: str
    title: str
    kind: Place
    group: Literal["processor", "edge", "small computer", "consumer", "workstation", "data centre"]
    """Where the next larger one is looked for first."""
    memory_mib: Annotated[int, Field(gt=0)]
    """As CUDA or the kernel reports it; of one GPU."""
    reserved_mib: Annotated[int, Field(ge=0)] = 0
    """Of it, for the operating system and the kit's other containers."""
    bandwidth: Annotated[float, Field(gt=0)] | None
    """Of the memory, in 10^9 bytes a second; None where nobody knows, and then no speed is stated."""
    cores: Annotated[int, Field(ge=1)] | None = None
    """Of the whole machine; None for a card, which may be in any."""
    arch: Literal["amd64", "arm64"] | None = None
    """What its programs are compiled for, as images name it; None for a card."""
    compute_capability: float | None = None
    """NVIDIA's, which says what the GPU can compute; set exactly for a GPU."""
    most_gpus: Annotated[int, Field(ge=1)] | None = None
    """GPUs that a model can get. Default: those of the largest offer, else one."""
    engines: tuple[EngineName, ...] = ()
    """Engines that run there, best first. Default: by kind."""
    offers: tuple[Offer, ...] = ()
    facts: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _is_complete(self) -> "Hardware":
        if (self.kind == "gpu") != (self.compute_capability is not None):
            raise ValueError("computeCapability belongs to a GPU, and only there")
        if (self.cores is None) != (self.arch is None):
            raise ValueError("cores and arch belong together")
        return self

    @property
    def usable(self) -> int:
        """Bytes of memory for engines; of one GPU."""
        return (self.memory_mib - self.reserved_mib) * MIB

    @property
    def is_machine(self) -> bool:
        """Whether the row is of a whole machine, whose memory is all there is, and not of a card in one."""
        return self.cores is not None

    @property
    def memory_known(self) -> bool:
        """Whether somebody knows how much memory there is."""
        return self.memory_mib < UNKNOWN_MIB

    @property
    def bf16(self) -> bool:
        """Whether the GPU computes in bfloat16 (Ampere and later)."""
        return (self.compute_capability or 0) >= 8.0

    @property
    def gpu_counts(self) -> tuple[int, ...]:
        """How many of the GPU one machine can give to a model: powers of two up to `most_gpus`."""
        if self.kind == "cpu":
            return (0,)
        most = self.most_gpus or max((offer.gpus for offer in self.offers), default=1)
        return tuple(count for count in (1, 2, 4, 8) if count <= most)

    @property
    def runs(self) -> tuple[EngineName, ...]:
        """Engines that the kit chooses from by itself, best first."""
        return self.engines or (("onnx", "ollama") if self.kind == "cpu" else ("vllm", "ollama"))

    def with_gpus(self, count: int) -> "Hardware":
        """The same GPU in a machine that has so many of it."""
        return self.model_copy(update={"most_gpus": count})

    def offer(self, gpus: int) -> Offer | None:
        """The smallest machine to rent with so many GPUs; None where none is known."""
        fitting = [offer for offer in self.offers if offer.gpus >= gpus]
        return min(fitting, key=lambda offer: offer.gpus, default=None)


class ColdStart(Row):
    """Rates that a cold start is computed from."""

    node_seconds: Annotated[float, Field(gt=0)]
    """From asking for a rented machine until it takes work."""
    download_mb_per_second: Annotated[float, Field(gt=0)]
    load_mb_per_second: Annotated[float, Field(gt=0)]
    facts: Annotated[str, Field(min_length=1)]


@cache
def _file() -> Mapping[str, Any]:
    rows: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("hardware.yaml").read_text())
    return rows


@cache
def hardware() -> Mapping[str, Hardware]:
    """Every machine by name, in the order of the file: processors, edge, consumer, data centre."""
    rows = _file()["hardware"]
    return {name: Hardware.model_validate({"name": name, **row}) for name, row in rows.items()}


@cache
def cold_start() -> ColdStart:
    """The rates of a cold start."""
    return ColdStart.model_validate(_file()["coldStart"])


def find(name: str) -> Hardware:
    """The machine of that name; an unknown one is refused with the nearest that exists."""
    known = hardware()
    if name.lower() in known:
        return known[name.lower()]
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
    raise KitError(
        f"hardware {name!r}",
        f"not in the catalog, which has {', '.join(known)}",
        f"Did you mean {near[0]}?" if near else "Add it to catalog/hardware.yaml.",
    )


def this_machine(memory_bytes: int | None, cpus: float | None, reserved_mib: int = 0) -> Hardware:
    """A machine that is not in the catalog. Its bandwidth is not known, and None says what else is not.

    `reserved_mib` of the memory belong to the stack's other containers.
    """
    return Hardware(
        name="this-machine",
        title="this machine" if cpus is None else f"this machine, {cpus:g} cores",
        kind="cpu",
        group="processor",
        memory_mib=UNKNOWN_MIB if memory_bytes is None else memory_bytes // MIB,
        reserved_mib=0 if memory_bytes is None else reserved_mib,
        bandwidth=None,
        facts="what the Docker engine reports",
    )
