"""Whether a model fits on a machine: the memory it needs against the memory that is there."""

from dataclasses import dataclass

from catalog.engines import engines
from catalog.hardware import Hardware
from catalog.models import EngineName, Model
from catalog.sizing.demand import NOTHING_ASKED, Demand
from catalog.sizing.memory import MIB, MemoryEstimate, memory, splits


@dataclass(frozen=True)
class Load:
    """What is asked of a model."""

    context: int
    """Tokens of prompt and answer together, of one request."""
    concurrency: int
    """Requests answered at once, each with room for the whole context."""


@dataclass(frozen=True)
class Fit:
    """One model, as one variant on one engine, on one machine."""

    hardware: Hardware
    model: Model
    variant: str
    """Its name in the model's variants."""
    load: Load
    gpus: int
    """GPUs that share weights and cache; 0 in main memory."""
    estimate: MemoryEstimate
    has: int | None
    """Bytes the engine may use: in main memory, or on each GPU. None where nobody knows; then it fits."""
    problem: str = ""
    """Why it cannot be run there so, whatever the memory; empty where it can."""
    demand: Demand = NOTHING_ASKED

    @property
    def engine(self) -> EngineName:
        """The engine of the variant."""
        return self.estimate.engine

    @property
    def fits(self) -> bool:
        """Whether it can run there."""
        return not self.problem and self.missing == 0

    @property
    def missing(self) -> int:
        """Bytes that are not there; 0 where it fits."""
        return 0 if self.has is None else max(0, self.estimate.needs - self.has)


def fit(
    model: Model,
    variant: str,
    load: Load,
    hardware: Hardware,
    *,
    gpus: int | None = None,
    demand: Demand = NOTHING_ASKED,
) -> Fit:
    """The variant on the machine, on as few GPUs as it fits on, else on all there are; or on `gpus`.

    `demand` is what the engine's settings change.
    """
    chosen = model.variants[variant]
    result = None
    for count in hardware.gpu_counts if gpus is None else (gpus,):
        if gpus is None and not splits(chosen.engine, model, count):
            continue
        size = memory(chosen.engine, model, chosen, load.context, load.concurrency, gpus=count, demand=demand)
        problem = _problem(model, variant, hardware, demand) or cache_problem(size, demand)
        has = _has(hardware, chosen.engine, demand)
        result = Fit(hardware, model, variant, load, count, size, has, problem, demand)
        if result.fits:
            break
    assert result is not None, "one GPU always divides the heads"
    return result


def _has(hardware: Hardware, engine: EngineName, demand: Demand) -> int | None:
    if not hardware.memory_known:
        return None
    share = demand.gpu_share or engines()[engine].gpu_share
    return int(hardware.usable * (share if hardware.kind == "gpu" else 1))


def runnable(model: Model, variant: str, hardware: Hardware) -> bool:
    """Whether the variant's engine can run on the hardware, and its memory is known there.

    More than `hardware.runs`, which lists what the kit chooses by itself: vLLM runs on processors too.
    """
    engine = model.variants[variant].engine
    excluded = bool(hardware.engines) and engine not in hardware.engines
    return not excluded and hardware.kind in engines()[engine].memory


def cache_problem(size: MemoryEstimate, demand: Demand) -> str:
    """Why the load has no room in the KV cache that is set; empty where it has."""
    if demand.kv_bytes is None or demand.kv_bytes >= size.kv:
        return ""
    return f"its KV cache is set to {demand.kv_bytes // MIB} MiB, and the load needs {-(-size.kv // MIB)}"


def _problem(model: Model, variant: str, hardware: Hardware, demand: Demand) -> str:
    quantization = model.variants[variant].quantization
    facts = engines()[model.variants[variant].engine]
    if hardware.compute_capability is None:
        return ""
    least = facts.least_capability.get(quantization, facts.least_capability.get("other", 0))
    if hardware.compute_capability < least:
        has = hardware.compute_capability
        return f"{quantization} on {facts.title} needs compute capability {least:g}, it has {has:g}"
    for setting, lowest in demand.least_capability:
        if hardware.compute_capability < lowest:
            has = hardware.compute_capability
            return f"{setting} needs a GPU of compute capability {lowest:g}, {hardware.title} has {has:g}"
    if facts.no_float16 and not hardware.bf16 and model.name.startswith(facts.no_float16):
        return f"{facts.title} computes {model.title} in bfloat16 only, and {hardware.title} has none"
    return ""
