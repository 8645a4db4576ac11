"""What a model folder says about itself, and the check that this engine can serve it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onnx_server.core.errors import ModelRefusedError
from onnx_server.core.graph import Operator, operators

ATTENTION = "GroupQueryAttention"
_CANNOT = {
    "Attention": "attention without a shared key/value buffer",
    "MultiHeadAttention": "attention without a shared key/value buffer",
    "DecoderMaskedMultiHeadAttention": "attention without a shared key/value buffer",
    "PagedAttention": "paged key/value memory",
    "SparseAttention": "sparse attention",
    "LinearAttention": "recurrent state",
    "MoE": "mixture of experts",
    "QMoE": "mixture of experts",
}
_NEXT_STEP = "serve it with another engine, or convert it with the onnxruntime-genai builder"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The facts of one decoder-only model, read from ``genai_config.json``."""

    folder: Path
    graph_file: Path
    layers: int
    kv_heads: int
    head_size: int
    vocab_size: int
    context_length: int
    eos_tokens: frozenset[int]

    def kv_names(self, side: str) -> list[str]:
        """Names of the key/value tensors; ``side`` is ``past_key_values`` or ``present``."""
        return [f"{side}.{i}.{kind}" for i in range(self.layers) for kind in ("key", "value")]

    def kv_bytes_per_token(self) -> int:
        """Bytes of key/value memory that one token takes (fp32, keys and values, all layers)."""
        return 2 * self.layers * self.kv_heads * self.head_size * 4


def load_info(folder: Path) -> ModelInfo:
    """Read and check ``folder``. Raises :class:`ModelRefusedError` naming what is not supported."""
    config = read_json(folder / "genai_config.json")
    try:
        model: dict[str, Any] = config["model"]
        decoder: dict[str, Any] = model["decoder"]
        info = ModelInfo(
            folder=folder,
            graph_file=folder / str(decoder["filename"]),
            layers=int(decoder["num_hidden_layers"]),
            kv_heads=int(decoder["num_key_value_heads"]),
            head_size=int(decoder["head_size"]),
            vocab_size=int(model["vocab_size"]),
            context_length=int(model["context_length"]),
            eos_tokens=_eos_tokens(folder, model),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelRefusedError(
            f"{folder}/genai_config.json: {type(error).__name__} {error}: {_NEXT_STEP}"
        ) from error
    _check_config(model, decoder, info)
    check_operators(operators(info.graph_file), info.layers)
    return info


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``; ModelRefusedError when it is missing or none."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelRefusedError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise ModelRefusedError(f"{path} holds no JSON object")
    return content


def check_operators(nodes: list[Operator], layers: int) -> None:
    """Refuse by name every operator whose state this engine does not keep."""
    for node in nodes:
        if node.op_type in _CANNOT:
            reason = _CANNOT[node.op_type]
            raise ModelRefusedError(f"operator {node.op_type} ({reason}): {_NEXT_STEP}")
    attention = [node for node in nodes if node.op_type == ATTENTION]
    if len(attention) != layers:
        found = f"{len(attention)} {ATTENTION} operators in {layers} layers"
        raise ModelRefusedError(f"{found}, one a layer is needed: {_NEXT_STEP}")
    for node in attention:
        if node.attributes.get("do_rotary") != 1:
            raise ModelRefusedError(f"{ATTENTION} without do_rotary (positions as an input): {_NEXT_STEP}")
        for name in ("local_window_size", "softcap", "smooth_softmax"):
            if (value := node.attributes.get(name, 0)) > 0:
                raise ModelRefusedError(f"{ATTENTION} with {name} = {value:g}: {_NEXT_STEP}")


def _check_config(model: dict[str, Any], decoder: dict[str, Any], info: ModelInfo) -> None:
    for name in ("encoder", "vision", "speech", "embedding"):
        if name in model:
            raise ModelRefusedError(f"genai_config.json has model.{name}: {_NEXT_STEP}")
    for name in ("sliding_window", "pipeline"):
        if name in decoder:
            raise ModelRefusedError(f"genai_config.json has decoder.{name}: {_NEXT_STEP}")
    if info.graph_file.parent != info.folder or not info.graph_file.is_file():
        raise ModelRefusedError(f"{info.graph_file} is missing: run the model store again")


def _eos_tokens(folder: Path, model: dict[str, Any]) -> frozenset[int]:
    """Every id that ends an answer: genai_config, config and generation_config may differ."""
    found = _as_ids(model.get("eos_token_id"))
    for name in ("config.json", "generation_config.json"):
        if (folder / name).is_file():
            found |= _as_ids(read_json(folder / name).get("eos_token_id"))
    return frozenset(found)


def _as_ids(value: Any) -> set[int]:
    items = value if isinstance(value, list) else [value]
    return {int(item) for item in items if item is not None}
