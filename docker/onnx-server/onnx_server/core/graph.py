"""Reads the operators out of an ONNX file: what cannot be served is refused by name.

onnxruntime shows inputs and outputs of a model but not its operators, and the ``onnx`` package
is larger than this server. The few fields needed are read straight from the protobuf wire format
(field numbers: onnx/onnx.proto, stable since IR version 3); everything else is skipped by length.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from onnx_server.core.errors import ModelRefusedError

_MODEL_GRAPH, _GRAPH_NODE = 7, 1
_NODE_OP_TYPE, _NODE_ATTRIBUTE = 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_FLOAT, _ATTRIBUTE_INT = 1, 2, 3
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5

Value = int | memoryview


@dataclass(frozen=True, slots=True)
class Operator:
    """One node: its type and its integer and float attributes."""

    op_type: str
    attributes: dict[str, float] = field(default_factory=dict)


def operators(path: Path) -> list[Operator]:
    """The top-level nodes of the graph in ``path``; ModelRefusedError when it is no ONNX file."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            view = memoryview(data)
            try:
                return [
                    _operator(node)
                    for graph in _messages(view, _MODEL_GRAPH)
                    for node in _messages(graph, _GRAPH_NODE)
                ]
            finally:
                view.release()
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise ModelRefusedError(
            f"{path} is not a readable ONNX file ({error}): run the model store again"
        ) from error


def _operator(node: memoryview) -> Operator:
    op_type = ""
    attributes: dict[str, float] = {}
    for number, value in _fields(node):
        if number == _NODE_OP_TYPE and isinstance(value, memoryview):
            op_type = str(value, "utf-8")
        elif number == _NODE_ATTRIBUTE and isinstance(value, memoryview):
            name, number_value = _attribute(value)
            if number_value is not None:
                attributes[name] = number_value
    return Operator(op_type, attributes)


def _attribute(message: memoryview) -> tuple[str, float | None]:
    name, result = "", None
    for number, value in _fields(message):
        if number == _ATTRIBUTE_NAME and isinstance(value, memoryview):
            name = str(value, "utf-8")
        elif number == _ATTRIBUTE_INT and isinstance(value, int):
            result = float(value - (1 << 64) if value >= 1 << 63 else value)
        elif number == _ATTRIBUTE_FLOAT and isinstance(value, memoryview):
            (result,) = struct.unpack("<f", value)
    return name, result


def _messages(data: memoryview, wanted: int) -> Iterator[memoryview]:
    for number, value in _fields(data):
        if number == wanted and isinstance(value, memoryview):
            yield value


def _fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _LENGTH:
            size, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind} at byte {at}")
        if at + size > len(data):
            raise ValueError(f"cut off at byte {len(data)}")
        yield number, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return result, at
        shift += 7
