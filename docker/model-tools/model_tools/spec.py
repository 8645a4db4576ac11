"""What is wanted in the store: one variant of one model, read strictly from JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from model_tools.errors import SpecError
from model_tools.source_spec import Segment, Source, Strict

PATH_ID_LENGTH = 16
"""Hexadecimal digits of the source's identity at the end of a store path."""


QUANTIZATIONS = {"onnx": ("int4", "int8", "fp16"), "gguf": ("q4_k_m", "q8_0", "fp16")}
"""What each format is made in. fp16 in ONNX is 16-bit weights with 32-bit arithmetic."""


class Convert(Strict):
    """A conversion that the kit makes itself. `accuracy_level` 4 computes in int8 (ORT-GenAI);
    it is ONNX Runtime's and has no meaning for the others."""

    source: Annotated[Literal["gguf", "hf"], Field(alias="from")]
    to: Literal["onnx", "gguf"]
    quantization: Literal["int4", "int8", "fp16", "q4_k_m", "q8_0"]
    accuracy_level: Annotated[int, Field(ge=1, le=4)]

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.quantization not in (known := QUANTIZATIONS[self.to]):
            raise ValueError(f"{self.quantization} is not one of {self.to}'s: {', '.join(known)}")
        return self


class Spec(Strict):
    """One wanted variant. `path` is where engines find it below the store's root."""

    model: Segment
    variant: Segment
    path: str
    source: Source
    convert: Convert | None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [file.name for file in self.source.files]
        if len(set(names)) != len(names):
            raise ValueError("two files have the same name")
        wanted = f"{self.model}/{self.variant}/{self.source.identity[:PATH_ID_LENGTH]}"
        if self.path != wanted:
            raise ValueError(f"path is {self.path!r}, this source's path is {wanted!r}")
        if self.convert is not None:
            _check_convertible(self.convert, names)
        return self


def _check_convertible(convert: Convert, names: list[str]) -> None:
    if convert.source == "gguf" and [name for name in names if name.endswith(".gguf")] != names:
        raise ValueError("a conversion from gguf takes files that end in .gguf only")
    if convert.source == "gguf" and len(names) != 1:
        raise ValueError("a conversion from gguf takes one file")
    if convert.source == "hf":
        missing = {"config.json", "tokenizer.json"} - set(names)
        if missing or not any(name.endswith(".safetensors") for name in names):
            raise ValueError("a conversion from hf takes config.json, tokenizer.json, *.safetensors")


def read_spec(argument: str) -> Spec:
    """Read `--spec`: JSON, or `@FILE`. Raises `SpecError` that names each wrong place."""
    try:
        text = Path(argument[1:]).read_text("utf-8") if argument.startswith("@") else argument
        return Spec.model_validate_json(text)
    except OSError as error:
        raise SpecError(argument, f"cannot be read ({error.strerror})", "give a file") from None
    except ValidationError as error:
        raise SpecError("--spec", describe(error), "correct the specification") from None


def describe(error: ValidationError) -> str:
    """Name each wrong place, without repeating values (one of them may be a secret)."""
    places = (
        f"{'.'.join(str(part) for part in item['loc']) or 'specification'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    )
    return "; ".join(places)
