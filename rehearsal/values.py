"""Property values: plain Python with `Secret` and `UNKNOWN` in it, and their way to and from protobuf."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import struct_pb2

from rehearsal.backend import UNKNOWN

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
RESOURCE_SIGNATURE = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
# The four marks above are Pulumi's: sdk/go/common/resource/sig/sig.go.

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Secret:
    """A value that is masked wherever it is shown and encrypted wherever it is stored."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(…)"


def from_proto(value: struct_pb2.Value) -> Any:
    """One protobuf value; whole numbers become int, secret marks become `Secret`."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _marked({key: from_proto(each) for key, each in value.struct_value.fields.items()})
    if kind == "list_value":
        return [from_proto(each) for each in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return {"string_value": value.string_value, "bool_value": value.bool_value}.get(kind or "")


def _marked(fields: dict[str, Any]) -> Any:
    mark = fields.get(SIGNATURE)
    if mark == SECRET_SIGNATURE:
        return Secret(fields.get("value"))
    if mark == OUTPUT_SIGNATURE:
        inner = fields.get("value", UNKNOWN)
        return Secret(inner) if fields.get("secret") else inner
    return fields


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The properties of a message; `None` values are dropped, as the real engine does."""
    fields = {key: from_proto(value) for key, value in struct.fields.items()}
    return {key: value for key, value in fields.items() if value is not None}


def to_struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Properties as a message, secrets marked at their place."""
    struct = struct_pb2.Struct()
    struct.update({key: _signed(value) for key, value in values.items()})
    return struct


def _signed(value: Any) -> Any:
    if isinstance(value, Secret):
        return {SIGNATURE: SECRET_SIGNATURE, "value": _signed(value.value)}
    return map_children(value, _signed)


def map_children(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same mapping or list with each element changed; anything else as it is (secrets too)."""
    if isinstance(value, Mapping):
        return {key: change(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [change(each) for each in value]
    return value


def plain(value: Any) -> Any:
    """Without secret marks, and a resource reference as the id (or URN) that a provider would get."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, Mapping) and value.get(SIGNATURE) == RESOURCE_SIGNATURE:
        return plain(value["id"] if "id" in value else value["urn"]) or UNKNOWN
    return map_children(value, plain)


def masked(value: Any, mask: Callable[[Any], str]) -> Any:
    """With every secret replaced by `mask(its plain value)` and every unknown by `[unknown]`."""
    if isinstance(value, Secret):
        return mask(plain(value.value))
    if value == UNKNOWN:
        return "[unknown]"
    return map_children(value, lambda each: masked(each, mask))


def secret_paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Where the secrets are, outermost first."""
    if isinstance(value, Secret):
        yield at
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from secret_paths(each, (*at, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from secret_paths(each, (*at, index))


def mark_secrets(values: Mapping[str, Any], paths: list[Path]) -> dict[str, Any]:
    """Mark the values at `paths`. Where the shape differs below a property, the whole property is marked."""
    marked = dict(values)
    for path in paths:
        if path and path[0] in marked:
            key = str(path[0])
            try:
                marked[key] = _mark(marked[key], path[1:])
            except (KeyError, IndexError, TypeError):
                marked[key] = Secret(plain(marked[key]))
    return marked


def _mark(value: Any, path: Path) -> Any:
    if isinstance(value, Secret):
        return value
    if not path:
        return Secret(value)
    if isinstance(value, list):
        index = int(path[0])
        return [*value[:index], _mark(value[index], path[1:]), *value[index + 1 :]]
    return {**value, path[0]: _mark(value[path[0]], path[1:])}


def has_unknown(value: Any) -> bool:
    """Whether an unknown is anywhere inside."""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, Mapping):
        return any(has_unknown(each) for each in value.values())
    if isinstance(value, list):
        return any(has_unknown(each) for each in value)
    return bool(value == UNKNOWN)


def show_path(path: Path) -> str:
    """`("ports", 0, "external")` as `ports[0].external`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text
