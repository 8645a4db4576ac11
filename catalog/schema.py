"""The schema of catalog/models/*.yaml: what the kit knows about a model and its variants."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

from catalog.errors import KitError
from catalog.quantization import Quantization
from catalog.sources import Conversion, Source

TEMPLATES_FOLDER = Path(__file__).with_name("templates")

EngineName = Literal["onnx", "ollama", "vllm", "external"]
"""The engines a variant can be for."""

Format = Literal["onnx", "gguf", "safetensors"]
"""The forms that weights come in."""


class Row(BaseModel):
    """A frozen record of the catalog; camelCase in YAML, snake_case in Python, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True)


class Attention(Row):
    """What KV-cache arithmetic needs."""

    layers: Annotated[int, Field(gt=0)]
    kv_heads: Annotated[int, Field(gt=0)]
    head_size: Annotated[int, Field(gt=0)]
    sliding_layers: Annotated[int, Field(ge=0)] = 0
    """Of these layers, how many see only the last `sliding_window` tokens."""
    sliding_window: Annotated[int, Field(gt=0)] | None = None
    """In tokens; set exactly when there are sliding layers."""

    @model_validator(mode="after")
    def _window_is_complete(self) -> "Attention":
        if bool(self.sliding_layers) != (self.sliding_window is not None):
            raise ValueError("slidingLayers and slidingWindow belong together")
        if self.sliding_layers > self.layers:
            raise ValueError(f"slidingLayers {self.sliding_layers} of {self.layers} layers")
        return self


class Tools(Row):
    """How a model was trained to call tools."""

    vllm_parser: str
    """vLLM's --tool-call-parser for this family."""
    facts: Annotated[str, Field(min_length=1)]


class Modelfile(Row):
    """What an Ollama model is beside its weights; unset, Ollama takes what the GGUF says."""

    template: str | None = None
    """Ollama's own kind of template (Go), as text or as `file:` and a name in catalog/templates. Ollama 0.17
    cannot run the Jinja template of a GGUF: it takes one of its 35 that differs by fewer than 100 letters
    (template/template.go), and without one it sends the bare prompt."""
    system: str | None = None
    parameters: Mapping[str, str | int | float | tuple[str, ...]] = {}
    adapter: str | None = None
    """File of the variant's source that holds a LoRA adapter (GGUF)."""

    @field_validator("template")
    @classmethod
    def _read_template(cls, template: str | None) -> str | None:
        if template is None or not template.startswith("file:"):
            return template
        path = TEMPLATES_FOLDER / template.removeprefix("file:")
        if path.parent != TEMPLATES_FOLDER or not path.is_file():
            raise ValueError(f"{template} is no file of catalog/templates")
        return path.read_text("utf-8")


class Variant(Row):
    """One form of a model that one engine can serve."""

    engine: EngineName
    format: Format
    quantization: Quantization
    bytes: Annotated[int, Field(gt=0)]
    """Size of what is served, in bytes; catalog/quantization.py says how it is known."""
    source: Source
    convert: Conversion | None = None
    """How the kit makes the variant out of the source; None where the source is served as it is."""
    modelfile: Modelfile | None = None
    """For Ollama only."""

    @property
    def locked(self) -> bool:
        """Whether it is known what would be served: the source's revision and files."""
        return self.source.locked


class Model(Row):
    """A model of the catalog. Its name is the public model id at the gateway."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
    title: str
    parameters: Annotated[int, Field(gt=0)]
    active_parameters: Annotated[int, Field(gt=0)] | None = None
    """Parameters that one token passes, for a mixture of experts. Default: all."""
    task: Literal["chat", "embedding"] = "chat"
    licence: str
    """SPDX identifier, or the name of the licence where it has none."""
    licence_url: Annotated[str, Field(pattern=r"^https://")] | None = None
    """Where the licence stands, for one that has no SPDX identifier."""
    licence_must_be_accepted: bool = False
    """True where the hub gives the files only to those who accepted the licence there."""
    tools: Tools | None = None
    """None where the model was not trained to call tools."""
    reasoning_parser: str | None = None
    """vLLM's --reasoning-parser; None where the model does not think aloud before it answers."""
    chat_template: str | None = None
    """What a client has to know about the model's own template. Default: nothing special."""
    embedding_size: Annotated[int, Field(gt=0)] | None = None
    """Dimensions of an embedding; set exactly for embedding models."""
    context_length: Annotated[int, Field(gt=0)]
    """Longest context the model was trained for, in tokens (prompt and answer together)."""
    attention: Attention
    vocabulary_size: Annotated[int, Field(gt=0)] | None = None
    """Rows of the embedding, padding included: what a step's logits are as wide as."""
    facts: Annotated[str, Field(min_length=1)]
    """Where the numbers above come from."""
    variants: dict[str, Variant]

    @model_validator(mode="after")
    def _has_variants(self) -> "Model":
        if not self.variants:
            raise ValueError("a model needs at least one variant")
        if (self.task == "embedding") != (self.embedding_size is not None):
            raise ValueError("embeddingSize belongs to an embedding model, and only there")
        return self

    @property
    def size_class(self) -> Literal["micro", "small", "medium"]:
        """micro up to 1.4B parameters, small up to "14B" (which vendors round to), medium up to 30B."""
        if self.parameters <= 1_400_000_000:
            return "micro"
        return "small" if self.parameters <= 14_800_000_000 else "medium"

    def variant_for(self, engine: str, source_kind: str, wanted: str | None = None) -> str:
        """Name of the variant to serve: the one asked for, else the first of engine and source kind."""
        if wanted is not None:
            return self._checked(wanted, engine)
        of_engine = {n: v for n, v in self.variants.items() if v.engine == engine}
        if not of_engine:
            engines = sorted({v.engine for v in self.variants.values()})
            raise KitError(
                f"engine {engine!r} for model {self.name}",
                f"the catalog has variants of it for {', '.join(engines)}",
                "Name one of these engines, or add a variant to catalog/models.",
            )
        for name, variant in of_engine.items():
            if variant.source.kind == source_kind:
                return name
        kinds = ", ".join(f"{n} ({v.source.kind})" for n, v in of_engine.items())
        raise KitError(
            f"modelSource {source_kind!r} for model {self.name} on {engine}",
            f"the catalog has {kinds}",
            "Set slm-kit:modelSource to one of these kinds, or name the model's `variant`.",
        )

    def _checked(self, wanted: str, engine: str) -> str:
        variant = self.variants.get(wanted)
        if variant is None or variant.engine != engine:
            fitting = [n for n, v in self.variants.items() if v.engine == engine]
            raise KitError(
                f"variant {wanted!r} of model {self.name}",
                f"engine {engine} can serve {', '.join(fitting) or 'no variant of it'}",
                "Name one of these, or leave `variant` out.",
            )
        return wanted
