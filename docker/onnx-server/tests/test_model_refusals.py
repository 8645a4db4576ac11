"""What cannot be served is refused at start, by name."""

import hashlib
import json
from pathlib import Path

import pytest
from onnx_server.cli import main
from onnx_server.core.errors import ModelRefusedError, UnverifiedModelError
from onnx_server.core.graph import Operator, operators
from onnx_server.core.manifest import verify
from onnx_server.core.model import check_operators, load_info
from onnx_server.core.runner import Runner


def message(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def add_to_graph(folder: Path, addition: bytes) -> None:
    """Protobuf merges a repeated message: appended bytes extend the graph of the file."""
    with (folder / "model.onnx").open("ab") as file:
        file.write(message(7, addition))


def graph_input(name: str) -> bytes:
    int64 = message(1, b"\x08\x07" + message(2, b""))
    return message(11, message(1, name.encode()) + message(2, int64))


def node(op_type: str) -> bytes:
    return message(1, message(1, b"x") + message(4, op_type.encode()))


def test_the_operators_of_the_graph_are_read_from_the_file(tiny_model: Path) -> None:
    found = operators(tiny_model / "model.onnx")
    attention = [node for node in found if node.op_type == "GroupQueryAttention"]
    assert len(attention) == 2
    assert attention[0].attributes["do_rotary"] == 1
    assert attention[0].attributes["local_window_size"] == -1
    assert attention[0].attributes["scale"] == 0.25


def test_a_graph_with_another_input_is_refused_by_its_name(tiny_copy: Path) -> None:
    add_to_graph(tiny_copy, graph_input("position_ids"))
    info = load_info(tiny_copy)
    with pytest.raises(ModelRefusedError, match="input 'position_ids' is not supported"):
        Runner(info, slots=1, context_length=16, chunk=4, threads=1)


@pytest.mark.parametrize("op_type", ["QMoE", "MultiHeadAttention", "SparseAttention"])
def test_a_graph_with_an_operator_that_keeps_state_is_refused_by_its_name(
    tiny_copy: Path, op_type: str
) -> None:
    add_to_graph(tiny_copy, node(op_type))
    with pytest.raises(ModelRefusedError, match=f"operator {op_type}"):
        load_info(tiny_copy)


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({}, "without do_rotary"),
        ({"do_rotary": 1, "local_window_size": 4096}, "local_window_size = 4096"),
        ({"do_rotary": 1, "softcap": 50}, "softcap = 50"),
    ],
)
def test_attention_of_another_kind_is_refused(attributes: dict[str, float], text: str) -> None:
    with pytest.raises(ModelRefusedError, match=text):
        check_operators([Operator("GroupQueryAttention", attributes)], layers=1)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"decoder": {"sliding_window": {}}}, "decoder.sliding_window"),
        ({"vision": {}}, "model.vision"),
        ({"decoder": {"num_hidden_layers": 3}}, "2 GroupQueryAttention operators in 3 layers"),
        ({"decoder": {"filename": "../model.onnx"}}, "is missing"),
    ],
)
def test_a_configuration_that_the_engine_does_not_know_is_refused(
    tiny_copy: Path, change: dict[str, object], text: str
) -> None:
    path = tiny_copy / "genai_config.json"
    config = json.loads(path.read_text())
    for key, value in change.items():
        old = config["model"].get(key)
        config["model"][key] = {**old, **value} if isinstance(value, dict) and old else value
    path.write_text(json.dumps(config))
    with pytest.raises(ModelRefusedError, match=text):
        load_info(tiny_copy)


def test_a_file_that_is_no_graph_is_refused(tiny_copy: Path) -> None:
    (tiny_copy / "model.onnx").write_bytes(b"\xff" * 100)
    with pytest.raises(ModelRefusedError, match="not a readable ONNX file"):
        load_info(tiny_copy)


def write_manifest(folder: Path) -> None:
    files = [
        {
            "name": path.name,
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in folder.iterdir()
    ]
    (folder / "manifest.json").write_text(json.dumps({"files": files}))


def test_a_folder_that_is_what_its_manifest_says_is_served(tiny_copy: Path) -> None:
    write_manifest(tiny_copy)
    assert verify(tiny_copy) is True


def test_a_folder_without_manifest_is_served_only_on_demand(tiny_copy: Path) -> None:
    assert verify(tiny_copy, allow_unverified=True) is False
    with pytest.raises(UnverifiedModelError, match="allow-unverified"):
        verify(tiny_copy)


@pytest.mark.parametrize("allow", [True, False])
def test_a_damaged_folder_is_refused_with_the_file_named(tiny_copy: Path, allow: bool) -> None:
    write_manifest(tiny_copy)
    weights = tiny_copy / "model.onnx.data"
    good = weights.read_bytes()
    weights.write_bytes(good[:-1])
    with pytest.raises(UnverifiedModelError, match="460031 bytes, not 460032"):
        verify(tiny_copy, allow_unverified=allow)
    weights.write_bytes(good[:1000] + b"\x00\x01" + good[1002:])
    with pytest.raises(UnverifiedModelError, match=r"model\.onnx\.data has sha256"):
        verify(tiny_copy, allow_unverified=allow)
    weights.unlink()
    with pytest.raises(UnverifiedModelError, match="is missing"):
        verify(tiny_copy, allow_unverified=allow)
    weights.write_bytes(good)
    (tiny_copy / "config.json").write_text("{}")
    with pytest.raises(UnverifiedModelError, match=r"config\.json is not listed"):
        verify(tiny_copy, allow_unverified=allow)


def test_a_manifest_that_points_out_of_the_folder_is_refused(tiny_copy: Path) -> None:
    for name in ("../x", "/etc/passwd"):
        entry = {"name": name, "bytes": 1, "sha256": "0"}
        (tiny_copy / "manifest.json").write_text(json.dumps({"files": [entry]}))
        with pytest.raises(UnverifiedModelError, match="not in the folder"):
            verify(tiny_copy)


@pytest.mark.usefixtures("own_logging")
def test_exit_codes_tell_refusals_apart(tiny_copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["--model", str(tiny_copy), "--port", "1", "--host", "192.0.2.1"]
    assert main(arguments) == 4
    assert main([*arguments, "--allow-unverified"]) == 3
    assert "cannot listen on 192.0.2.1:1" in capfd.readouterr().err
    assert main([*arguments, "--allow-unverified", "--context-length", "513"]) == 2
    assert "--context-length 513 exceeds the model's 512" in capfd.readouterr().err
