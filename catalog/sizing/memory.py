"""Memory: weights, KV cache of every slot full, and what the engine takes beside them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from catalog.engines import EngineFacts, KvFacts, MemoryFacts, Place, engines
from catalog.errors import KitError
from catalog.models import Attention, EngineName, Model, Variant
from catalog.quantization import UNQUANTIZED
from catalog.sizing.demand import NOTHING_ASKED, Demand

MIB = 1024 * 1024
GIB = 1024 * MIB
FLOAT32 = 4
LIKELY_VOCABULARY = 151_936
"""Entries of a vocabulary that nobody stated: that of Qwen3, larger than most."""
QUERY_HEADS_A_KV_HEAD = 4
"""For the scores of attention only, a small term: models of the catalog have 2 to 5."""


@dataclass(frozen=True)
class MemoryEstimate:
    """What an engine takes at its peak, in bytes; on GPUs, what each of them holds."""

    engine: EngineName
    place: Place
    gpus: int
    """0 in main memory."""
    weights: int
    kv: int
    overhead: int
    margin: float
    host: int
    """Main memory beside the GPUs; 0 where everything is in main memory."""
    extra: int = 0
    """Main memory that settings ask for on top of it."""

    @property
    def total(self) -> int:
        """The prediction: a measured peak without page cache is within 10 % of it for ONNX and Ollama."""
        return self.weights + self.kv + self.overhead

    @property
    def limit(self) -> int:
        """The hard limit to set on the container's main memory: prediction and margin, in whole MiB."""
        main = self.total if self.place == "cpu" else self.host
        return -(-int(main * (1 + self.margin) + self.extra) // MIB) * MIB

    @property
    def needs(self) -> int:
        """What has to be there: the limit in main memory, the prediction on each GPU, which has no limit."""
        return self.limit if self.place == "cpu" else self.total


def memory(
    engine: EngineName,
    model: Model,
    variant: Variant,
    context: int,
    sequences: int,
    *,
    gpus: int = 0,
    demand: Demand = NOTHING_ASKED,
) -> MemoryEstimate:
    """Memory for `sequences` requests at once, each with `context` tokens; `gpus` 0 is main memory.

    `demand` is what the engine's settings change. Raises KitError for what the engine cannot do.
    """
    facts = engines()[engine]
    place: Place = "gpu" if gpus else "cpu"
    if facts.kv is None or place not in facts.memory:
        where = " or ".join(facts.memory) or "elsewhere"
        raise KitError(
            f"{facts.title} on {place}", f"it runs on {where}", "Choose another engine or machine."
        )
    if not splits(engine, model, gpus):
        raise KitError(
            f"{gpus} GPUs for {model.title} on {facts.title}",
            f"its {model.attention.kv_heads} KV heads cannot be divided among them",
            "Choose a number of GPUs that divides it.",
        )
    element = kv_element_bytes(facts, demand.kv_type)
    beside = facts.memory[place]
    ratio = beside.weights.get(variant.quantization, beside.weights.get("other", 1))
    part = _part(facts, model.attention.layers, gpus)
    needed = int(kv_bytes(facts.kv, model.attention, context, sequences, element) * part)
    return MemoryEstimate(
        engine=engine,
        place=place,
        gpus=gpus,
        weights=int(loaded_bytes(variant, demand) * ratio * part),
        kv=max(needed, demand.kv_bytes or 0),
        overhead=_overhead(beside, model, context, sequences),
        margin=facts.margin,
        host=facts.host_mib * MIB if gpus else 0,
        extra=demand.host_extra + facts.room_mib * MIB,
    )


def loaded_bytes(variant: Variant, demand: Demand) -> float:
    """Bytes of the weights as the engine holds them, its settings counted in."""
    return variant.bytes * (demand.weight_scale if variant.quantization in UNQUANTIZED else 1)


def splits(engine: EngineName, model: Model, gpus: int) -> bool:
    """Whether the engine can divide the model among so many GPUs: whole KV heads where they work together."""
    return gpus <= 1 or not engines()[engine].tensor_parallel or model.attention.kv_heads % gpus == 0


def kv_element_bytes(facts: EngineFacts, kv_type: str | None) -> float:
    """Bytes of one element of that KV-cache type; default: the engine's own."""
    types: Mapping[str, float] = facts.kv.types if facts.kv else {}
    name = kv_type or next(iter(types), "")
    if name not in types:
        raise KitError(
            f"KV-cache type {name!r} of {facts.title}",
            f"it has {', '.join(types) or 'none'}",
            "Name one of these.",
        )
    return types[name]


def kv_bytes(kv: KvFacts, attention: Attention, context: int, sequences: int, element: float) -> int:
    """KV cache of `sequences` full contexts: two tensors a layer, every KV head, every token kept."""
    token = 2 * attention.kv_heads * attention.head_size * element
    whole = -(-context // kv.block_tokens) * kv.block_tokens * sequences
    sliding = attention.sliding_layers if kv.keeps_windows else 0
    full, window = attention.layers - sliding, attention.sliding_window or 0
    if kv.pads_layers:
        full, sliding = _padded(full, sliding)
    kept = min(whole, (window + kv.extra_tokens) * sequences + kv.batch_tokens)
    return math.ceil(token * (full * whole + sliding * kept))


def _part(facts: EngineFacts, layers: int, gpus: int) -> float:
    """What the fullest GPU holds of weights and cache: an equal share, or whole layers and the output's."""
    if gpus <= 1:
        return 1
    parts = layers + 1
    return 1 / gpus if facts.tensor_parallel else -(-parts // gpus) / parts


def _padded(full: int, sliding: int) -> tuple[int, int]:
    """Layers of each kind after vLLM's padding: groups as large as the smaller kind, unless both are near."""
    if not full or not sliding:
        return full, sliding
    group = min(full, sliding)
    if max(full, sliding) < 1.5 * group:
        group = max(full, sliding)
    return -(-full // group) * group, -(-sliding // group) * group


def _overhead(beside: MemoryFacts, model: Model, context: int, sequences: int) -> int:
    entries = model.vocabulary_size or LIKELY_VOCABULARY
    rows = beside.logit_rows + beside.logit_rows_a_sequence * sequences
    heads = model.attention.kv_heads * QUERY_HEADS_A_KV_HEAD
    return int(
        (beside.fixed_mib + beside.sequence_mib * sequences) * MIB
        + beside.vocabulary_bytes * entries
        + FLOAT32 * rows * entries
        + FLOAT32 * beside.score_rows * context * heads
    )
