"""Whether a model fits on a machine: the memory it needs against the memory that is there."""

from dataclasses import dataclass

from catalog.engines import engines
from catalog.hardware import Hardware
from catalog.models import EngineName, Model
from catalog.sizing.memory import MemoryEstimate, memory, splits


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
    has: int
    """Bytes the engine may use: in main memory, or on each GPU."""
    problem: str = ""
    """Why the hardware cannot run the variant whatever its memory; empty where it can."""
    kv_type: str | None = None

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
        return max(0, self.estimate.needs - self.has)

    @property
    def free(self) -> int:
        """Bytes that stay free; 0 where it does not fit."""
        return max(0, self.has - self.estimate.needs)


def fit(
    model: Model,
    variant: str,
    load: Load,
    hardware: Hardware,
    *,
    gpus: int | None = None,
    kv_type: str | None = None,
) -> Fit:
    """The variant on the machine, on as few GPUs as it fits on, else on all there are; or on `gpus`."""
    chosen = model.variants[variant]
    facts = engines()[chosen.engine]
    problem = _problem(model, variant, hardware)
    result = None
    for count in hardware.gpu_counts if gpus is None else (gpus,):
        if gpus is None and not splits(chosen.engine, model, count):
            continue
        estimate = memory(
            chosen.engine, model, chosen, load.context, load.concurrency, gpus=count, kv_type=kv_type
        )
        share = facts.gpu_share if hardware.kind == "gpu" else 1
        has = int(hardware.usable * share)
        result = Fit(hardware, model, variant, load, count, estimate, has, problem, kv_type)
        if result.fits:
            break
    assert result is not None, "one GPU always divides the heads"
    return result


def runnable(model: Model, variant: str, hardware: Hardware) -> bool:
    """Whether the variant's engine can run on the hardware, and its memory is known there.

    More than `hardware.runs`, which lists what the kit chooses by itself: vLLM runs on processors too.
    """
    engine = model.variants[variant].engine
    excluded = bool(hardware.engines) and engine not in hardware.engines
    return not excluded and hardware.kind in engines()[engine].memory


def least_share(found: Fit) -> float:
    """The smallest part of each GPU that works (vLLM's gpu-memory-utilization), with the engine's margin."""
    wanted = found.estimate.total * (1 + found.estimate.margin) / found.hardware.usable
    return min(engines()[found.engine].gpu_share, -(-int(wanted * 10000) // 100) / 100)


def _problem(model: Model, variant: str, hardware: Hardware) -> str:
    quantization = model.variants[variant].quantization
    facts = engines()[model.variants[variant].engine]
    if hardware.compute_capability is None:
        return ""
    least = facts.least_capability.get(quantization, facts.least_capability.get("other", 0))
    if hardware.compute_capability < least:
        has = hardware.compute_capability
        return f"{quantization} on {facts.title} needs compute capability {least:g}, it has {has:g}"
    if facts.no_float16 and not hardware.bf16 and model.name.startswith(facts.no_float16):
        return f"{facts.title} computes {model.title} in bfloat16 only, and {hardware.title} has none"
    return ""
