"""What the kit knows about its engines: engines.yaml, typed."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field

from catalog.models import EngineName, Row
from catalog.quantization import Quantization

Capability = Literal[
    "chat", "completions", "streaming", "stop", "seed", "maxTokens", "usage", "penalties", "contextOverflow",
    "cancellation", "concurrency", "tools", "jsonSchema", "embeddings", "logprobs", "choices", "logitBias",
    "extensions",
]  # fmt: skip

Place = Literal["cpu", "gpu"]
"""Where the weights are: in main memory, or in the memory of one or more GPUs."""


class KvFacts(Row):
    """How an engine lays out its KV cache."""

    types: Annotated[Mapping[str, float], Field(min_length=1)]
    """Bytes of one element by the engine's name of the type; the first is the engine's default."""
    block_tokens: Annotated[int, Field(ge=1)] = 1
    """A sequence's cache is rounded up to a multiple of this many tokens."""
    keeps_windows: bool = False
    """Whether a sliding-window layer keeps its window only; else it keeps the whole context."""
    extra_tokens: Annotated[int, Field(ge=0)] = 0
    """Tokens that such a layer keeps for each sequence beside its window."""
    batch_tokens: Annotated[int, Field(ge=0)] = 0
    """Tokens that it keeps once beside all windows: those of the step under way."""
    pads_layers: bool = False
    """Whether layers are grouped by kind and the last group of a kind is padded (vLLM)."""
    facts: Annotated[str, Field(min_length=1)]


class MemoryFacts(Row):
    """What an engine takes in one place beside the KV cache; catalog/sizing/memory.py adds it up."""

    weights: Annotated[Mapping[Quantization | Literal["other"], float], Field(min_length=1)]
    """Weights in memory over weights on disk, by quantization; `other` for all that are not named."""
    fixed_mib: Annotated[float, Field(ge=0)]
    """Taken whatever the model, on every GPU anew."""
    vocabulary_bytes: Annotated[float, Field(ge=0)] = 0
    """For each entry of the vocabulary: the tokenizer."""
    logit_rows: Annotated[int, Field(ge=0)] = 0
    """Rows of float32 logits, one number for each entry of the vocabulary."""
    logit_rows_a_sequence: Annotated[int, Field(ge=0)] = 0
    sequence_mib: Annotated[float, Field(ge=0)] = 0
    """For each request at once, beside its part of the KV cache."""
    score_rows: Annotated[int, Field(ge=0)] = 0
    """Rows of float32 attention scores: one number for each token of the context and each query head."""
    facts: Annotated[str, Field(min_length=1)]


class EngineFacts(Row):
    """One engine of engines.yaml."""

    title: str
    capabilities: Mapping[Capability, Literal[True] | str]
    """True where the engine can do it; else what a user is told."""
    kv: KvFacts | None = None
    """None for an engine whose memory is not ours to know."""
    memory: Mapping[Place, MemoryFacts] = {}
    room_mib: Annotated[int, Field(ge=0)] = 0
    """On top of the margin in the hard limit of main memory, for what comes and goes with a request, such
    as the masks of a grammar. A small model's margin is too small for it."""
    margin: Annotated[float, Field(ge=0, le=1)] = 0.15
    """The hard limit of a container is the estimate and this part of it on top."""
    gpu_share: Annotated[float, Field(gt=0, le=1)] = 1
    """Part of a GPU's memory that the engine may fill."""
    tensor_parallel: bool = False
    """Whether several GPUs work on a token together; else each holds some layers and they take turns."""
    host_mib: Annotated[int, Field(ge=0)] = 0
    """Main memory of the engine when its weights are on a GPU."""
    least_capability: Mapping[Quantization | Literal["other"], float] = {}
    """Lowest compute capability of a GPU that runs a quantization."""
    no_float16: tuple[str, ...] = ()
    """Beginnings of the names of models that cannot be computed in float16, so that a GPU without
    bfloat16 cannot run them."""
    image_mb: Annotated[int, Field(gt=0)] | None = None
    """Compressed size of the engine's image in 10^6 bytes."""
    start_seconds: Annotated[float, Field(ge=0)] = 0
    """From loaded weights to the first answer: compiling, graphs, warm-up."""
    facts: str | None = None
    """Where the numbers that have no `facts` of their own come from."""


@cache
def engines() -> Mapping[EngineName, EngineFacts]:
    """Every engine by name."""
    rows = yaml.safe_load(Path(__file__).with_name("engines.yaml").read_text())
    return {name: EngineFacts.model_validate(row) for name, row in rows.items()}
