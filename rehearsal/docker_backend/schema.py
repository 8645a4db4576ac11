"""The vocabulary in which each resource type lists its inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from rehearsal.backend import UNKNOWN

Shape = Literal["one", "list", "set", "map"]


@dataclass(frozen=True)
class Field:
    """One input: what it may be, and how a change of it is applied.

    `replaces`: a change needs a new object. `keeps`: leaving it out changes nothing, since the
    provider then keeps what the engine filled in (Optional and Computed there). `private`: its
    value may be a secret and never appears in a message.
    """

    kind: type
    shape: Shape = "one"
    default: Any = None
    required: bool = False
    replaces: bool = True
    keeps: bool = False
    private: bool = False
    pattern: str | None = None
    at_least: int | None = None
    fields: Mapping[str, "Field"] | None = None

    def in_place(self) -> "Field":
        """The same input where a change is applied to the object as it is."""
        return replace(self, replaces=False)


Fields = Mapping[str, Field]

TEXT = Field(str)
TEXTS = Field(str, "list")
TEXT_SET = Field(str, "set")
TEXT_MAP = Field(str, "map")
FLAG = Field(bool)
NUMBER = Field(int)


def objects(fields: Fields, shape: Shape = "set", keeps: bool = False) -> Field:
    """A block with inputs of its own; a set of them unless said otherwise."""
    return Field(dict, shape, fields=fields, keeps=keeps)


LABELS = objects({"label": Field(str, required=True), "value": Field(str, required=True)})


def label_map(labels: list[dict[str, str]] | None) -> dict[str, str]:
    """The provider's list of `{label, value}` as Docker's mapping."""
    return {each["label"]: each["value"] for each in labels or []}


def has_unknown(value: Any) -> bool:
    """Whether an unknown is anywhere inside."""
    if isinstance(value, Mapping):
        return any(has_unknown(each) for each in value.values())
    if isinstance(value, list):
        return any(has_unknown(each) for each in value)
    return bool(value == UNKNOWN)
