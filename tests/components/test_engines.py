"""Every engine in a stack: another one is another word, and each gets what it needs."""

import json
from typing import Any

import pytest

from rehearsal import RehearsalError, RenderedResource, Rendering
from tests.components.conftest import render_stack
from tests.conftest import ROOT

CONTAINER = "docker:index/container:Container"
MODEL = "smollm2-135m-instruct"
CREDENTIAL = "credential-to-look-for"
ONNX: dict[str, Any] = {"name": MODEL, "engine": "onnx"}
OLLAMA: dict[str, Any] = {"name": "short", "model": MODEL, "engine": "ollama"}


def container(rendering: Rendering, name: str) -> RenderedResource:
    return next(each for each in rendering.of_type(CONTAINER) if each.name == name)


@pytest.fixture(scope="module")
def both() -> Rendering:
    return render_stack(images="build", models=[ONNX, OLLAMA])


def test_two_engines_serve_one_model_side_by_side(both: Rendering) -> None:
    images = {each.name for each in both.of_type("docker:index/image:Image")}
    assert {"onnx-server", "ollama"} <= images
    assert [row["engine"] for row in both.outputs["sizing"]] == ["onnx", "ollama"]
    backends = gateway_file(both, "haproxy.cfg")
    assert f"backend {MODEL} from" in backends
    assert "backend short from" in backends


def test_dropping_one_removes_its_parts_and_moves_no_other_engine(both: Rendering) -> None:
    one = render_stack(images="build", models=[ONNX])
    left = {each.urn: each.inputs for each in one.resources}
    for each in both.resources:
        mine = any(
            part in each.urn for part in ("::short", "$short", "ollama", "gguf-q4_1", "model-tools-fetch")
        )
        assert mine is (each.urn not in left), each.urn
    assert container(one, MODEL).inputs == container(both, MODEL).inputs


def test_the_engine_is_chosen_where_none_is_named() -> None:
    assert render_stack(models=[{"name": MODEL}]).outputs["sizing"][0]["engine"] == "onnx"


def test_each_gpu_belongs_to_one_engine() -> None:
    vllm = {"model": MODEL, "engine": "vllm", "gpus": 1}
    stack = render_stack(
        images="upstream", modelSource="hf", hardware="a10", hardwareGpus=2,
        models=[{"name": "one", **vllm}, {"name": "two", **vllm}],
    )  # fmt: skip
    assert [container(stack, name).inputs["gpus"] for name in ("one", "two")] == ["device=0", "device=1"]
    command = container(stack, "one").inputs["command"]
    known = set((ROOT / "tests/data/vllm/flags.txt").read_text().split())
    flags = {part.partition("=")[0] for part in command if part.startswith("--")}
    assert flags
    assert flags <= known


def test_ollama_takes_the_upstream_image_where_a_registry_answers(both: Rendering) -> None:
    stack = render_stack(images="upstream", models=[OLLAMA])
    builds = {each.name: each.inputs["build"] for each in stack.of_type("docker:index/image:Image")}
    assert builds["ollama"]["dockerfile"].endswith("/Dockerfile.upstream")
    assert builds["ollama"]["args"]["UPSTREAM"].startswith("ollama/ollama:")
    here = {each.name: each.inputs["build"] for each in both.of_type("docker:index/image:Image")}
    assert here["ollama"]["dockerfile"].endswith("/Dockerfile")


def test_vllm_without_a_registry_is_refused() -> None:
    with pytest.raises(RehearsalError, match="image must be pulled"):
        render_stack(images="build", modelSource="hf", models=[{"name": MODEL, "engine": "vllm"}])


def test_an_external_model_has_no_engine_and_its_credential_is_in_one_secret_file() -> None:
    stack = render_stack(
        models=[
            {**ONNX, "fallback": "elsewhere"},
            {"name": "elsewhere", "engine": "external",
             "external": {"url": "http://host.docker.internal:1234/v1", "credential": "bearer"}},
        ],
        externalSecrets={"elsewhere": CREDENTIAL},
    )  # fmt: skip
    assert stack.outputs["models"] == [MODEL, "elsewhere"]
    assert "elsewhere" not in {each.name for each in stack.of_type(CONTAINER)}
    holders = {each.name for each in stack.resources if CREDENTIAL in json.dumps(each.inputs)}
    assert holders == {"gateway-secrets"}
    assert container(stack, "gateway").inputs["hosts"] == [
        {"host": "host.docker.internal", "ip": "host-gateway"}
    ]


def gateway_file(rendering: Rendering, name: str) -> str:
    uploads = container(rendering, "gateway-config").inputs["uploads"]
    return str(next(each["content"] for each in uploads if each["file"].endswith(f"/{name}")))
