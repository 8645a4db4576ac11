"""Stack settings: typed, frozen, checked as a whole before the first resource.

Names are camelCase in Pulumi config and snake_case here. A misspelt key, a value out of bounds or
a combination that cannot work is refused with the value, the limit and the next step.
"""

import difflib
import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from catalog import models as catalog
from catalog.errors import KitError
from catalog.models import EngineName
from components.engines.ollama_options import OllamaOptions
from components.engines.vllm_options import VllmOptions
from components.open_webui import KEY_ID as OPEN_WEBUI_KEY

NAMESPACE = "slm-kit"

KeyId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


def _address(value: str) -> str:
    ipaddress.ip_address(value)
    return value


class Settings(BaseModel):
    """Base of all settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True)


class ModelSettings(Settings):
    """One model to serve."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$")]
    """Public model id, and what `model` defaults to."""
    model: str | None = None
    """Name in catalog/models; needed where one model is served twice, under two names."""
    engine: EngineName = "onnx"
    context_length: Annotated[int, Field(ge=128)] = 2048
    """Tokens of prompt and answer together; at most what the model was trained for."""
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    """Requests answered at once. Memory grows with concurrency times contextLength."""
    max_queue: Annotated[int, Field(ge=1, le=4096)] = 32
    """Requests that may wait at the gateway before further ones get 503."""
    queue_timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 30
    """Longest wait in that queue."""
    cpus: Annotated[float, Field(gt=0, le=256)] = 2
    gpus: Annotated[int, Field(ge=0, le=16)] = 0
    """Whole GPUs of the machine that the engine gets."""
    memory_mib: Annotated[int, Field(ge=64)] | None = None
    """Memory limit. Default: computed from the catalog (catalog/sizing.py)."""
    variant: str | None = None
    """Catalog variant. Default: the first that fits engine and modelSource."""
    ollama: OllamaOptions = OllamaOptions()
    vllm: VllmOptions = VllmOptions()

    @property
    def catalog_name(self) -> str:
        """Name of the model in the catalog."""
        return self.model or self.name

    @model_validator(mode="after")
    def _fits_the_catalog(self) -> "ModelSettings":
        model = catalog.find(self.catalog_name)
        if self.context_length > model.context_length:
            raise KitError(
                f"contextLength {self.context_length} for model {model.name}",
                f"the model was trained for at most {model.context_length} tokens",
                f"Set contextLength to {model.context_length} or less.",
            )
        return self

    @model_validator(mode="after")
    def _options_are_of_the_engine(self) -> "ModelSettings":
        for engine in ("ollama", "vllm"):
            if engine in self.model_fields_set and engine != self.engine:
                raise KitError(
                    f"the {engine} settings of model {self.name}",
                    f"its engine is {self.engine}",
                    f"Remove them, or set `engine: {engine}`.",
                )
        return self


class KeySettings(Settings):
    """Who may call. The key itself is in the secret config keySecrets, under the same id."""

    id: KeyId
    models: tuple[str, ...] = ("*",)
    """Model names the key may use; "*" is all of the stack."""
    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Default: no limit."""


class OpenWebuiSettings(Settings):
    """A chat page on this machine, behind a login. Its image is pulled; there is no other way to it."""

    admin_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    """First account. Its password is made by `make up`; `make password` shows it."""
    port: Annotated[int, Field(ge=1, le=65535)] = 3000
    """Published on 127.0.0.1."""


class StackSettings(Settings):
    """Everything config can say about a stack that serves on Docker."""

    target: str
    models: Annotated[tuple[ModelSettings, ...], Field(min_length=1)]
    keys: Annotated[tuple[KeySettings, ...], Field(min_length=1)]
    runner: Literal["pulumi", "rehearsal"] | None = None
    """Who runs this stack; read by `make`, which refuses another one."""
    images: Literal["upstream", "build"] = "upstream"
    image_base: str | None = None
    """Base of the kit's own images. Default: Debian, pulled or made here, as `images` says."""
    build_base: str | None = None
    """Base of build stages. Default: image_base; `make up` writes one of its own where this machine
    needs authorities, a proxy or an index mirror."""
    engine_cpus: Annotated[float, Field(gt=0)] | None = None
    """Processors of the Docker engine; no container gets more. `make up` writes it."""
    model_source: Literal["hf", "https", "pypi", "file", "oci"] = "hf"
    model_folder: str | None = None
    certificate_authorities: Path | None = None
    gateway_address: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    gateway_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    open_webui: OpenWebuiSettings | None = None
    """Default: no such page."""

    @model_validator(mode="after")
    def _hangs_together(self) -> "StackSettings":
        names = [model.name for model in self.models]
        ids = [key.id for key in self.keys]
        for what, values in (("model", names), ("key id", ids)):
            twice = {value for value in values if values.count(value) > 1}
            if twice:
                raise KitError(
                    f"{what} {twice.pop()!r}",
                    "is listed twice",
                    "List it once in the stack config.",
                )
        for key in self.keys:
            unknown = set(key.models) - {"*", *names}
            if unknown:
                raise KitError(
                    f"model {unknown.pop()!r} of key {key.id!r}",
                    f"this stack serves {', '.join(names)}",
                    'Name one of these, or "*" for all.',
                )
        self._source_is_complete()
        self._page_can_be_had(ids)
        return self

    def _page_can_be_had(self, key_ids: Sequence[str]) -> None:
        if self.open_webui is None:
            return
        if self.images != "upstream":
            raise KitError(
                "openWebui",
                f"its image must be pulled, and images is {self.images!r}",
                "Remove openWebui, or set slm-kit:images upstream where an image registry answers.",
            )
        if OPEN_WEBUI_KEY in key_ids:
            raise KitError(f"key id {OPEN_WEBUI_KEY!r}", "is the page's own", "Give your key another id.")
        if self.open_webui.port == self.gateway_port:
            raise KitError(
                f"openWebui.port {self.open_webui.port}", "is the gateway's port", "Choose another."
            )

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of all keys: those of `keys`, and the one of the chat page."""
        page = () if self.open_webui is None else (OPEN_WEBUI_KEY,)
        return (*(key.id for key in self.keys), *page)

    def _source_is_complete(self) -> None:
        for model in self.models:
            self.variant_of(model)
        if self.model_source == "file" and self.model_folder is None:
            raise KitError(
                "modelSource 'file'",
                "needs the folder that holds the files",
                "Set slm-kit:modelFolder to an absolute path on the Docker host.",
            )
        authorities = self.certificate_authorities
        if authorities is not None and not authorities.is_file():
            raise KitError(
                f"certificateAuthorities {str(authorities)!r}",
                "is not a file on this machine",
                "Name a PEM file, or remove the key from the stack config.",
            )

    def variant_of(self, model: ModelSettings) -> str:
        """Name of the catalog variant this stack serves the model by."""
        known = catalog.find(model.catalog_name)
        return known.variant_for(model.engine, self.model_source, model.variant)


def parse(config: Mapping[str, Any], secret_ids: Mapping[str, Any]) -> StackSettings:
    """Check plain config (camelCase keys without namespace) and that every key has its secret.

    Raises KitError naming the value, the limit and the next step.
    """
    try:
        settings = StackSettings.model_validate(config, by_name=False, by_alias=True)
    except ValidationError as error:
        raise _refusal(error) from error
    for key_id in settings.key_ids:
        if not secret_ids.get(key_id):
            raise KitError(
                f"key {key_id!r}",
                "has no secret in slm-kit:keySecrets",
                f"Create it with `make key NEW={key_id}`, or run `make up`, which creates missing keys.",
            )
    return settings


def _refusal(error: ValidationError) -> KitError:
    """The first thing wrong, in the words of the config file."""
    first = error.errors(include_url=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    value = f"{NAMESPACE}:{place.removeprefix('.') or 'the stack config'}"
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(first["loc"][-1]), _known_keys(), n=1)
        step = f"Did you mean {near[0]}?" if near else "Remove it."
        return KitError(value, "there is no such setting", f"{step} stacks/settings.py lists all.")
    if first["type"] != "missing":
        value += f" {first['input']!r}"
    return KitError(value, first["msg"], "stacks/settings.py documents the limits and defaults.")


def _known_keys() -> list[str]:
    classes = (ModelSettings, KeySettings, OpenWebuiSettings, StackSettings)
    return [field.alias or name for c in classes for name, field in c.model_fields.items()]
