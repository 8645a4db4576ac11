"""What the kit knows about a model: the schema of catalog/models/*.yaml and its loader.

Facts are data with their source beside them. A file that breaks the schema is refused when the
catalog is loaded, so a stack never sees half a model.
"""

import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from catalog.errors import KitError, complaints
from catalog.sources import Conversion, Source

MODELS_FOLDER = Path(__file__).with_name("models")

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
    system: str | None = None
    parameters: Mapping[str, str | float | tuple[str, ...]] = {}
    adapter: str | None = None
    """File of the variant's source that holds a LoRA adapter (GGUF)."""


class Variant(Row):
    """One form of a model that one engine can serve."""

    engine: EngineName
    format: Format
    quantization: str
    bytes: Annotated[int, Field(gt=0)]
    """Size of what is served, in bytes."""
    source: Source
    convert: Conversion | None = None
    """How the kit makes the variant out of the source; None where the source is served as it is."""
    modelfile: Modelfile | None = None
    """For Ollama only."""


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
    licence_must_be_accepted: bool = False
    """True where the hub gives the files only to those who accepted the licence there."""
    tools: Tools | None = None
    """None where the model was not trained to call tools."""
    context_length: Annotated[int, Field(gt=0)]
    """Longest context the model was trained for, in tokens (prompt and answer together)."""
    attention: Attention
    facts: Annotated[str, Field(min_length=1)]
    """Where the numbers above come from."""
    variants: dict[str, Variant]

    @model_validator(mode="after")
    def _has_variants(self) -> "Model":
        if not self.variants:
            raise ValueError("a model needs at least one variant")
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


@cache
def load(folder: Path = MODELS_FOLDER) -> Mapping[str, Model]:
    """Every model of the catalog by name. Raises KitError for a file that breaks the schema."""
    models: dict[str, Model] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            model = Model.model_validate(yaml.safe_load(path.read_text()))
        except (ValidationError, yaml.YAMLError) as error:
            said = complaints(error) if isinstance(error, ValidationError) else str(error)
            raise KitError(str(path), said, "Mend the file; catalog/models.py has the schema.") from error
        if model.name != path.stem:
            raise KitError(str(path), f"its name is {model.name!r}", "Name the file like the model.")
        models[model.name] = model
    return models


def find(name: str, models: Mapping[str, Model] | None = None) -> Model:
    """The model of that name; an unknown one is refused with the nearest that exists."""
    models = load() if models is None else models
    if name in models:
        return models[name]
    near = difflib.get_close_matches(name, models, n=1, cutoff=0.4)
    raise KitError(
        f"model {name!r}",
        f"not in the catalog, which has {', '.join(models)}",
        f"Did you mean {near[0]}?" if near else "Add it as catalog/models/<name>.yaml.",
    )
