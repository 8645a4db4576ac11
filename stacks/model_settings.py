"""What config can say about each model, key and page of a stack."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from catalog import models as catalog
from catalog.errors import KitError
from components.engines.external import ExternalOptions
from components.engines.ollama.options import OllamaOptions
from components.engines.vllm.options import VllmOptions
from stacks.base import Settings
from stacks.monitoring_settings import PriceSettings, SloSettings
from stacks.scaling_settings import ScalingSettings

KeyId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


NAME = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"
TAKEN = (
    "gateway", "open-webui", "localhost", "prometheus", "alertmanager", "node-exporter", "gpu-exporter",
    "collector", "loki", "grafana",
)  # fmt: skip


def day(value: object) -> date:
    """A day as config writes it. Text only: what YAML makes of a date without quotes differs by runner.

    Raises ValueError for everything else.
    """
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError('it must be a day as text, in quotes: "2027-01-31"')
    return date.fromisoformat(value)


class ModelSettings(Settings):
    """One model to serve."""

    name: Annotated[str, Field(max_length=63, pattern=NAME)]
    """Public model id, and what `model` defaults to; also the engine's name inside the stack."""
    model: str | None = None
    """Name in catalog/models; needed where one model is served twice, under two names."""
    engine: Literal["auto", "onnx", "ollama", "vllm", "external"] = "auto"
    """`auto` takes what suits the machine and the load, and says why (catalog/choosing.py)."""
    context_length: Annotated[int, Field(ge=128)] = 2048
    """Tokens of prompt and answer together; at most what the model was trained for."""
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    """Requests answered at once. Memory grows with concurrency times contextLength."""
    max_queue: Annotated[int, Field(ge=1, le=4096)] = 32
    """Requests that may wait at the gateway before further ones get 503."""
    queue_timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 30
    """Longest wait in that queue."""
    cpus: Annotated[float, Field(gt=0, le=256)] = 2
    gpus: Annotated[int, Field(ge=0, le=16)] | None = None
    """Whole GPUs that the engine gets. Default: as few as it fits on where slm-kit:hardware names a GPU
    and the engine uses one, else none."""
    gpu_devices: tuple[Annotated[int, Field(ge=0, le=15)], ...] = ()
    """Their numbers on the machine. Default: the first that are free, in the order of the models: with
    more than one model on GPUs name them, so that dropping one does not move another."""
    pool: str | None = None
    """On a cluster: the pool of kubernetes.gpuPools that it runs on. Default: the first that it fits on."""
    update: Literal["start-first", "stop-first"] | None = None
    """How it is replaced: its new replica first, which needs room for both, or the old one away first, which
    stops answers for as long as a start takes. Default: start-first, on GPUs stop-first."""
    memory_mib: Annotated[int, Field(ge=64)] | None = None
    """Memory limit. Default: computed from the catalog (catalog/sizing)."""
    variant: str | None = None
    """Catalog variant. Default: the first that fits engine and modelSource."""
    ollama: OllamaOptions = OllamaOptions()
    vllm: VllmOptions = VllmOptions()
    external: ExternalOptions | None = None
    """Where something outside of the stack serves it; then the catalog need not know the model, and
    contextLength, cpus, gpus, memoryMib and variant say nothing (docs/guides/external.md)."""
    fallback: str | None = None
    """Another model of the stack that answers while this one has no engine up or a full queue. An external
    one sends prompts to its endpoint, whatever models a key is granted."""
    scaling: ScalingSettings = ScalingSettings()
    """How many replicas it has; on a cluster only."""
    slo: SloSettings | None = None
    """What is promised of it. Default: the defaults of each field."""
    price: PriceSettings | None = None
    """What its tokens cost. Default: the rent of its machine at full use, where the catalog knows that."""

    @property
    def catalog_name(self) -> str:
        """Name of the model in the catalog; an external one need not be there."""
        return self.model or self.name

    @property
    def public_names(self) -> tuple[str, ...]:
        """What clients can ask for: the model, and each of its LoRA adapters."""
        return (self.name, *self.vllm.lora_adapters)

    @field_validator("scaling", mode="wrap")
    @classmethod
    def _is_of_a_model(
        cls, value: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> ScalingSettings:
        try:
            scaling: ScalingSettings = handler(value)
        except KitError as error:
            where = f"{error.value} of model {info.data.get('name')}"
            raise KitError(where, error.limit, error.next_step) from error
        return scaling

    @model_validator(mode="after")
    def _fits_the_catalog(self) -> "ModelSettings":
        if self.engine == "external":
            return self
        model = catalog.find(self.catalog_name)
        if self.context_length > model.context_length:
            raise KitError(
                f"contextLength {self.context_length} for model {model.name}",
                f"the model was trained for at most {model.context_length} tokens",
                f"Set contextLength to {model.context_length} or less.",
            )
        return self

    @model_validator(mode="after")
    def _name_is_free(self) -> "ModelSettings":
        if self.name in TAKEN or self.name.replace(".", "").isdigit():
            raise KitError(
                f"model name {self.name!r}",
                f"inside the stack it would be an address, or the name of {', '.join(TAKEN)}",
                "Choose another, and name the catalog's model as `model`.",
            )
        return self

    @model_validator(mode="after")
    def _says_nothing_idle(self) -> "ModelSettings":
        idle = {
            "context_length", "cpus", "gpus", "gpu_devices", "memory_mib", "pool", "scaling", "update",
            "variant",
        }  # fmt: skip
        given = sorted(idle & self.model_fields_set) if self.engine == "external" else []
        if given:
            raise KitError(
                f"{to_camel(given[0])} of external model {self.name}",
                "what serves it is outside of the stack",
                "Remove it.",
            )
        return self

    @model_validator(mode="after")
    def _options_are_of_the_engine(self) -> "ModelSettings":
        for engine in ("ollama", "vllm"):
            if engine in self.model_fields_set and self.engine != engine:
                raise KitError(
                    f"the {engine} settings of model {self.name}",
                    f"its engine is {self.engine}",
                    f"Remove them, or set `engine: {engine}`.",
                )
        if (self.engine == "external") is (self.external is None):
            raise KitError(
                f"model {self.name}",
                "the engine `external` and the settings `external` belong together",
                "Give both, or neither.",
            )
        return self


class KeySettings(Settings):
    """Who may call. The key itself is in the secret config keySecrets, under the same id."""

    id: KeyId
    models: tuple[str, ...] = ("*",)
    """Model names the key may use; "*" is all of the stack."""
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Default: no limit."""
    expires: Annotated[date, BeforeValidator(day)] | None = None
    """First day (UTC) on which the gateway refuses the key, as text: "2027-01-31". Default: never. A day that
    has passed is no error: the key stays listed, is refused by the gateway and shown by an alert."""

    def expired(self, today: date) -> bool:
        """Whether the gateway refuses it on that day (UTC)."""
        return self.expires is not None and today >= self.expires


class OpenWebuiSettings(Settings):
    """A chat page on this machine, behind a login. Its image is pulled; there is no other way to it."""

    admin_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    """First account. Its password is made by `make up`; `make password` shows it."""
    port: Annotated[int, Field(ge=1, le=65535)] = 3000
    """Published on 127.0.0.1."""
