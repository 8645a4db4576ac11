"""What every engine is told, and what the kit has to know about every engine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pulumi

from catalog.models import EngineName, Model, Variant
from components.engines.ollama.options import OllamaOptions
from components.engines.vllm.options import VllmOptions
from components.workload import Mount, Update, Workload

PORT = 8000
"""Every engine listens here."""


@dataclass(frozen=True)
class Serving:
    """One model to serve: the same for every engine, so that another engine is another word."""

    name: str
    """Public model id, and the alias that the gateway reaches the engine by."""
    model: Model
    variant_name: str
    folder: str
    """Where the variant's files are, inside the container."""
    context_length: int
    """Tokens of prompt and answer together."""
    concurrency: int
    """Requests answered at once, each with room for the whole context."""
    max_queue: int
    """Requests that may wait inside the engine; the gateway queues before it."""
    cpus: float
    memory_mib: int
    """Hard limit of main memory."""
    gpus: int = 0
    """Whole GPUs; 0 runs on the processors."""
    replicas: int = 1
    """How many of it there are; where they are scaled, how many it begins with."""
    drain_seconds: int = 60
    """From the stop signal on, how long answers under way may take."""
    update: Update | None = None
    """How it is replaced. Default: the new one first; with GPUs, which both may want, the old one away."""
    ollama: OllamaOptions = field(default_factory=OllamaOptions)
    vllm: VllmOptions = field(default_factory=VllmOptions)

    @property
    def replaced(self) -> Update:
        """How it is replaced, as set or by default."""
        return self.update or (Update.STOP_FIRST if self.gpus else Update.START_FIRST)

    @property
    def variant(self) -> Variant:
        """The form of the model that is served."""
        return self.model.variants[self.variant_name]


@dataclass(frozen=True)
class Recipe:
    """How one engine is run: a pure function and what the gateway has to know."""

    name: EngineName
    workload: Callable[[Serving, pulumi.Input[str], Sequence[Mount]], Workload]
    """(what to serve, image of the engine, mounts of the model store) -> Workload. Raises KitError."""
    health_path: str
    """Answers 200 on `PORT` when a request can be taken."""
