"""Which engines and variants come into question on a machine, the best first.

The rules, in this order:

1. An engine must do what the model is for: chat, or embeddings (catalog/engines.yaml, capabilities).
2. Processors: ONNX Runtime (`make bench` measures it ahead of Ollama), then Ollama.
3. GPUs: vLLM, which batches many requests, then Ollama; but for one request at a time on a GPU of up to
   16 GB Ollama comes first, because its quantized weights leave room and nothing is batched.
4. Fewer GPUs before more; within an engine the variants that are locked before those whose revision is open,
   each in the catalog's order.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from catalog.engines import Capability, engines
from catalog.hardware import Hardware
from catalog.models import EngineName, Model, Variant
from catalog.sizing.demand import NOTHING_ASKED, Demand
from catalog.sizing.fit import Fit, Load, fit, runnable
from catalog.sizing.memory import splits

SMALL_GPU_MIB = 16384


@dataclass(frozen=True)
class Scope:
    """What of the catalog a stack can use; the defaults leave nothing out."""

    engine: EngineName | None = None
    """The one that is asked for, whether the kit would choose it there or not."""
    source_kind: str | None = None
    """The stack's modelSource: variants of other sources are left out."""
    engines: Collection[EngineName] | None = None
    """Those that the stack can run."""
    demand: Demand = NOTHING_ASKED
    """What the settings of `engine` change; other engines have none."""

    def admits(self, engine: EngineName) -> bool:
        """Whether the stack can run the engine."""
        return self.engines is None or engine in self.engines

    def has(self, variant: Variant) -> bool:
        """Whether the stack can get the variant's files."""
        return self.source_kind in (None, variant.source.kind)

    def demand_of(self, engine: EngineName) -> Demand:
        """What is asked of the engine."""
        return self.demand if engine == self.engine else NOTHING_ASKED


ANYTHING = Scope()


def engine_order(hardware: Hardware, concurrency: int) -> tuple[EngineName, ...]:
    """Engines of the machine, the best for that many requests at once first."""
    small = hardware.kind == "gpu" and hardware.memory_mib <= SMALL_GPU_MIB
    if concurrency == 1 and small and "ollama" in hardware.runs:
        return ("ollama", *(engine for engine in hardware.runs if engine != "ollama"))
    return hardware.runs


def can_serve(engine: EngineName, model: Model) -> bool:
    """Whether the engine does what the model is for."""
    needed: Capability = "embeddings" if model.task == "embedding" else "chat"
    return engines()[engine].capabilities.get(needed) is True


def candidates(model: Model, load: Load, hardware: Hardware, scope: Scope = ANYTHING) -> Iterator[Fit]:
    """Every way to serve the model there, the best first, whether it fits or not."""
    variants = sorted(model.variants.items(), key=lambda item: not item[1].locked)
    order = engine_order(hardware, load.concurrency) if scope.engine is None else (scope.engine,)
    for gpus in hardware.gpu_counts:
        for engine in order:
            if not scope.admits(engine) or not can_serve(engine, model) or not splits(engine, model, gpus):
                continue
            for name, variant in variants:
                if variant.engine == engine and scope.has(variant) and runnable(model, name, hardware):
                    yield fit(model, name, load, hardware, gpus=gpus, demand=scope.demand_of(engine))


def first_fit(model: Model, load: Load, hardware: Hardware, scope: Scope = ANYTHING) -> Fit | None:
    """The best way that fits; None where nothing does."""
    return next((each for each in candidates(model, load, hardware, scope) if each.fits), None)
