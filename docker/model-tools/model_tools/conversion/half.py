"""Stores float32 weights of a graph in 16 bits; the arithmetic stays 32-bit.

The graph computes in float32, as CPUs do best, so the weights are cast before they are used.
onnxruntime folds such casts when it loads the model: the file is half as large, the memory is that of
32 bits. Of an embedding table only the rows that were looked up are cast, so it is not folded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model_tools.conversion.job import UnusableModelError

LOOKUP = "Gather"
CONSUMERS = frozenset({"MatMul", "Gemm", "Transpose", LOOKUP})
"""Operators whose matrices are stored in 16 bits; rotary tables and norms stay as they are."""

SMALL_WEIGHT = 1024
"""Elements below which a tensor is not worth a cast."""


def halve(folder: Path, *, lookups_only: bool) -> None:
    """Rewrite `model.onnx` and `model.onnx.data` in `folder`: all matrices, or the embeddings only."""
    import onnx

    file = folder / "model.onnx"
    model: Any = onnx.load(str(file))
    _halve_graph(model.graph, frozenset({LOOKUP}) if lookups_only else CONSUMERS)
    for old in (file, folder / "model.onnx.data"):
        old.unlink(missing_ok=True)
    aside = {"save_as_external_data": True, "location": "model.onnx.data", "size_threshold": SMALL_WEIGHT}
    onnx.save(model, str(file), **aside)


def _halve_graph(graph: Any, consumers: frozenset[str]) -> None:
    users: dict[str, set[str]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, set()).add(node.op_type)
    nodes, halved = [], set()
    for tensor in graph.initializer:
        name, used_by = tensor.name, users.get(tensor.name, set())
        if not used_by & consumers or not _worth_it(tensor):
            continue
        tensor.CopyFrom(_half(tensor))
        halved.add(name)
        if used_by != {LOOKUP}:
            nodes.append(_cast(tensor.name, name))
    for node in graph.node:
        nodes.append(node)
        if node.op_type == LOOKUP and node.input[0] in halved:
            found = node.output[0]
            node.input[0], node.output[0] = _name(node.input[0]), _name(found)
            nodes.append(_cast(_name(found), found))
    del graph.node[:]
    graph.node.extend(nodes)


def _name(name: str) -> str:
    return f"{name}_fp16"


def _cast(half: str, whole: str) -> Any:
    from onnx import TensorProto, helper

    return helper.make_node("Cast", [half], [whole], name=f"{whole}/Cast", to=TensorProto.FLOAT)


def _worth_it(tensor: Any) -> bool:
    from onnx import TensorProto

    matrix = len(tensor.dims) == 2 and tensor.dims[0] * tensor.dims[1] >= SMALL_WEIGHT
    return matrix and tensor.data_type == TensorProto.FLOAT


def _half(tensor: Any) -> Any:
    import numpy as np
    from onnx import numpy_helper

    half = numpy_helper.to_array(tensor).astype(np.float16)
    if not np.isfinite(half).all():
        raise UnusableModelError(f"{tensor.name} has weights beyond 65504, the largest number of fp16")
    return numpy_helper.from_array(half, _name(tensor.name))
