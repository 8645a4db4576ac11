"""Stack settings: typed, frozen, checked as a whole before the first resource.

Names are camelCase in Pulumi config and snake_case here. A misspelt key, a value out of bounds or
a combination that cannot work is refused with the value, the limit and the next step.
"""

import difflib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    model_validator,
)

from catalog import models as catalog
from catalog.choosing import choose_engine
from catalog.errors import KitError
from catalog.hardware import MIB, Hardware, this_machine
from catalog.hardware import find as find_hardware
from catalog.models import EngineName
from components.gateway.types import GatewayLimits
from components.open_webui import KEY_ID as OPEN_WEBUI_KEY
from components.open_webui import MEMORY_MIB as OPEN_WEBUI_MIB
from stacks.model_settings import KeySettings, ModelSettings, OpenWebuiSettings, Settings

NAMESPACE = "slm-kit"

UNKNOWN_MEMORY_MIB = 1024 * 1024
"""Taken where engineMemoryMib is not written yet: nothing is refused for want of memory."""


def _address(value: str) -> str:
    ipaddress.ip_address(value)
    return value


@dataclass(frozen=True)
class Decision:
    """What a model is served with."""

    engine: EngineName
    variant: str
    gpus: int
    reason: str = ""
    """Why, where the kit chose; empty where config did."""


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
    engine_memory_mib: Annotated[int, Field(gt=0)] | None = None
    """Memory of the Docker engine; what does not fit is refused. `make up` writes it."""
    hardware: str | None = None
    """The machine's GPU, or another machine, by its name in catalog/hardware.yaml. Default: the
    processors and memory of the Docker engine."""
    model_source: Literal["hf", "https", "pypi", "file", "oci"] = "hf"
    model_folder: str | None = None
    certificate_authorities: Path | None = None
    gateway_address: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    gateway_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    open_webui: OpenWebuiSettings | None = None
    """Default: no such page."""

    @model_validator(mode="after")
    def _hangs_together(self) -> "StackSettings":
        names = [name for model in self.models for name in model.public_names]
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
        self._fallbacks_end()
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

    def _fallbacks_end(self) -> None:
        """One step: whoever answers in another's place has nobody in its own."""
        without = [model.name for model in self.models if model.fallback is None]
        for model in self.models:
            if model.fallback is not None and model.fallback not in without:
                raise KitError(
                    f"fallback {model.fallback!r} of model {model.name}",
                    f"models of this stack without a fallback of their own: {', '.join(without) or 'none'}",
                    "Name one of these.",
                )

    @property
    def hosted(self) -> tuple[ModelSettings, ...]:
        """Models that an engine of the stack serves."""
        return tuple(model for model in self.models if model.engine != "external")

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of all keys: those of `keys`, and the one of the chat page."""
        page = () if self.open_webui is None else (OPEN_WEBUI_KEY,)
        return (*(key.id for key in self.keys), *page)

    def _source_is_complete(self) -> None:
        for model in self.hosted:
            if self.decision_of(model).engine == "vllm" and self.images != "upstream":
                raise KitError(
                    f"engine 'vllm' of model {model.name}",
                    f"its image must be pulled, and images is {self.images!r}",
                    "Choose another engine, or set slm-kit:images upstream where an image registry answers.",
                )
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
        for model in self.models:
            if model.external and model.external.authorities == "stack" and authorities is None:
                raise KitError(
                    f"authorities 'stack' of external model {model.name}",
                    "the stack has no authorities of its own",
                    "Name a PEM file in slm-kit:certificateAuthorities, or set authorities to system.",
                )

    def decision_of(self, model: ModelSettings) -> Decision:
        """Engine and variant of a hosted model: as configured, or chosen."""
        known = catalog.find(model.catalog_name)
        engine = model.engine
        if engine == "auto" and model.variant in known.variants:
            engine = known.variants[model.variant].engine
        if engine != "auto":
            return Decision(engine, known.variant_for(engine, self.model_source, model.variant), model.gpus)
        if not any(each.source.kind == self.model_source for each in known.variants.values()):
            has = ", ".join(f"{name} ({each.source.kind})" for name, each in known.variants.items())
            raise KitError(
                f"modelSource {self.model_source!r} for model {known.name}",
                f"the catalog has {has}",
                "Set slm-kit:modelSource to one of these kinds, or name the model's `variant`.",
            )
        choice = choose_engine(
            known,
            self.machine_for(None),
            model.context_length,
            model.concurrency,
            source_kind=self.model_source,
        )
        return Decision(choice.engine, choice.variant, choice.fit.gpus, choice.reason)

    def machine_for(self, gpus: int | None) -> Hardware:
        """Where an engine with so many GPUs runs; None where the kit is to choose."""
        if self.hardware is not None and gpus != 0:
            return find_hardware(self.hardware)
        if gpus:
            raise KitError(
                f"gpus {gpus}",
                "what the machine has for GPUs is not said",
                "Set slm-kit:hardware to a name of catalog/hardware.yaml.",
            )
        memory = self.engine_memory_mib or UNKNOWN_MEMORY_MIB
        page = 0 if self.open_webui is None else OPEN_WEBUI_MIB
        reserved = min(GatewayLimits().memory_mib + page, memory - 1)
        found = this_machine(memory * MIB, self.engine_cpus or 1, reserved)
        # vLLM runs on processors where somebody asks for it; it is never chosen there.
        return found if gpus is None else found.model_copy(update={"engines": (*found.runs, "vllm")})


def parse(
    config: Mapping[str, Any],
    secret_ids: Mapping[str, Any],
    credential_ids: Mapping[str, Any] | None = None,
) -> StackSettings:
    """Check plain config (camelCase keys without namespace) and that every key has its secret.

    With `credential_ids` also that every external endpoint has what it is to be told.
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
    for model in settings.models:
        wants = model.external is not None and model.external.credential != "none"
        if wants and credential_ids is not None and not credential_ids.get(model.name):
            raise KitError(
                f"external model {model.name!r}",
                "has no credential in slm-kit:externalSecrets",
                f"Give it on standard input: make config KEY='externalSecrets[\"{model.name}\"]'",
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
