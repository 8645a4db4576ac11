"""Which engines and variants come into question on a machine, the best first.

The rules, in this order:

1. An engine must do what the model is for: chat, or embeddings (catalog/engines.yaml, capabilities).
2. Processors: ONNX Runtime (`make bench` measures it ahead of Ollama), then Ollama.
3. GPUs: vLLM, which batches many requests, then Ollama; but for one request at a time on a GPU of up to
   16 GB Ollama comes first, because its quantized weights leave room and nothing is batched.
4. Fewer GPUs before more; within an engine the variants in the catalog's order.
"""

from collections.abc import Iterator

from catalog.engines import Capability, engines
from catalog.hardware import Hardware
from catalog.models import EngineName, Model
from catalog.sizing.fit import Fit, Load, fit, runnable
from catalog.sizing.memory import splits

SMALL_GPU_MIB = 16384


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


def candidates(
    model: Model,
    load: Load,
    hardware: Hardware,
    *,
    engine: EngineName | None = None,
    source_kind: str | None = None,
) -> Iterator[Fit]:
    """Every way to serve the model there, the best first, whether it fits or not.

    `engine` and `source_kind` (of the stack's config) leave out all others.
    """
    for gpus in hardware.gpu_counts:
        for each in engine_order(hardware, load.concurrency) if engine is None else (engine,):
            if not can_serve(each, model) or not splits(each, model, gpus):
                continue
            for name, variant in model.variants.items():
                wanted = variant.engine == each and source_kind in (None, variant.source.kind)
                if wanted and runnable(model, name, hardware):
                    yield fit(model, name, load, hardware, gpus=gpus)


def first_fit(
    model: Model,
    load: Load,
    hardware: Hardware,
    *,
    engine: EngineName | None = None,
    source_kind: str | None = None,
) -> Fit | None:
    """The best way that fits; None where nothing does."""
    found = candidates(model, load, hardware, engine=engine, source_kind=source_kind)
    return next((each for each in found if each.fits), None)
