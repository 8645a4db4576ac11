"""From a client through the gateway to vLLM, which a stand-in is here (vllm_stand_in.py)."""

import json
import time
from collections.abc import Iterator

import docker
import httpx
import pytest
from openai import BadRequestError, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.conftest import ROOT
from tests.docker.gateway_rig import GatewayRig, key_of
from tests.docker.vllm_rig import (
    CONTEXT,
    MODEL,
    MOUNTS,
    QUESTION,
    STAND_IN,
    TOOL,
    VllmEngine,
    serve,
    workload,
)

pytestmark = pytest.mark.docker

ALLOWED = {"/v1/chat/completions", "/v1/completions", "/v1/models"}
ROUTES = [line.split() for line in (ROOT / "tests/data/vllm/routes.txt").read_text().splitlines()]


@pytest.fixture(scope="module")
def vllm(rig: GatewayRig) -> VllmEngine:
    return serve(rig)


@pytest.fixture
def client(rig: GatewayRig, vllm: VllmEngine) -> Iterator[OpenAI]:
    vllm.clear()
    with OpenAI(base_url=f"{rig.url}/v1", api_key=key_of("alice"), max_retries=0) as made:
        yield made


def test_the_probe_of_the_recipe_finds_it_well_inside_its_container(vllm: VllmEngine) -> None:
    readiness = workload().readiness
    assert readiness is not None
    assert vllm.container.exec_run(list(readiness.command)).exit_code == 0
    elsewhere = [word.replace(":8000/", ":8001/") for word in readiness.command]
    assert vllm.container.exec_run(elsewhere).exit_code == 1


def test_a_chat_is_answered_and_its_tokens_are_in_the_gateways_log(client: OpenAI, rig: GatewayRig) -> None:
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=QUESTION, max_tokens=4)
    answer = raw.parse()
    assert answer.choices[0].message.content == "The capital of France"
    assert answer.choices[0].finish_reason == "length"
    entry = rig.entry(raw.headers["x-request-id"])
    assert (entry["model"], entry["status"], entry["stream"]) == (MODEL, 200, False)
    assert (entry["prompt_tokens"], entry["completion_tokens"]) == (6, 4)


def test_a_completion_is_answered(client: OpenAI) -> None:
    answer = client.completions.create(model=MODEL, prompt="a b c")
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == (
        "The capital of France is Paris.",
        "stop",
    )


@pytest.mark.usefixtures("vllm")
def test_each_streamed_token_arrives_when_it_is_made_and_usage_is_logged(rig: GatewayRig) -> None:
    body = {"model": MODEL, "messages": QUESTION, "stream": True, "stream_options": {"include_usage": True}}
    headers = {"Authorization": f"Bearer {key_of('alice')}"}
    arrived, events = [], []
    with httpx.stream("POST", f"{rig.url}/v1/chat/completions", json=body, headers=headers) as stream:
        for line in filter(None, stream.iter_lines()):
            arrived.append(time.monotonic())
            events.append(line.removeprefix("data: "))
    assert events.pop() == "[DONE]"
    chunks = [json.loads(event) for event in events]
    words = [choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"]]
    assert "".join(words) == "The capital of France is Paris."
    # Six tokens, 30 ms apart: held back they would come at once.
    assert arrived[-1] - arrived[0] > 0.1
    assert chunks[-1]["usage"]["completion_tokens"] == 6
    entry = rig.entry(stream.headers["x-request-id"])
    assert (entry["stream"], entry["prompt_tokens"], entry["completion_tokens"]) == (True, 6, 6)


def test_the_tokens_of_a_client_that_leaves_at_the_last_event_are_logged(
    client: OpenAI, rig: GatewayRig
) -> None:
    # As OpenAI's client does: it does not wait for the end of the body.
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    for _ in raw.parse():
        pass
    entry = rig.entry(raw.headers["x-request-id"])
    assert (entry["prompt_tokens"], entry["completion_tokens"]) == (6, 6)


def test_a_tool_call_passes_through_untouched(client: OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=QUESTION, tools=[TOOL])
    assert answer.choices[0].finish_reason == "tool_calls"
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.id.startswith("chatcmpl-tool-")
    assert json.loads(call.function.arguments) == {"city": "Paris", "days": 1}


def test_a_streamed_tool_call_comes_in_pieces_that_make_the_whole(client: OpenAI) -> None:
    name, arguments = "", ""
    for chunk in client.chat.completions.create(model=MODEL, messages=QUESTION, tools=[TOOL], stream=True):
        for piece in chunk.choices[0].delta.tool_calls or ():
            assert piece.function is not None
            name += piece.function.name or ""
            arguments += piece.function.arguments or ""
    assert (name, json.loads(arguments)) == ("weather", {"city": "Paris", "days": 1})


def test_too_long_a_prompt_gets_vllms_own_400(client: OpenAI, rig: GatewayRig) -> None:
    long: list[ChatCompletionMessageParam] = [{"role": "user", "content": "word " * CONTEXT}]
    with pytest.raises(BadRequestError, match=f"maximum context length is {CONTEXT} tokens") as refused:
        client.chat.completions.create(model=MODEL, messages=long)
    assert refused.value.type == "BadRequestError"
    entry = rig.entry(refused.value.response.headers["x-request-id"])
    # Not the gateway's refusal: those have a code of its own.
    assert (entry["status"], entry["error"], entry["replica"]) == (400, "", "r1")


def test_embeddings_of_a_chat_model_get_vllms_404(rig: GatewayRig, vllm: VllmEngine) -> None:
    vllm.clear()
    answer = rig.call({"model": MODEL, "input": "x"}, path="/v1/embeddings")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    assert vllm.lines() == ["POST /v1/embeddings HTTP/1.1"]


@pytest.mark.parametrize(("path", "methods"), [each for each in ROUTES if each[0] not in ALLOWED])
def test_no_other_route_of_vllm_is_reached(
    rig: GatewayRig, vllm: VllmEngine, path: str, methods: str
) -> None:
    vllm.clear()
    concrete = path.replace("{response_id}", "resp_1")
    for method in {*methods.split(","), "GET", "POST"}:
        for key in ("alice", None):
            answer = rig.call({"model": MODEL}, path=concrete, method=method, key=key)
            assert answer.status_code == 404, f"{method} {concrete}: {answer.text}"
            assert answer.json()["error"]["code"] == "unknown_path"
    assert vllm.lines() == []


def test_the_recorded_routes_hold_what_a_key_does_not_guard() -> None:
    assert {"/invocations", "/tokenize", "/scale_elastic_ep", "/metrics", "/version", "/load"} <= {
        path for path, _ in ROUTES
    }


def test_the_list_of_models_is_the_gateways(rig: GatewayRig, vllm: VllmEngine) -> None:
    vllm.clear()
    listed = rig.call(path="/v1/models", method="GET").json()["data"]
    assert [model["id"] for model in listed] == [MODEL]
    assert vllm.lines() == []


def test_a_flag_that_vllm_does_not_have_ends_it(rig: GatewayRig) -> None:
    with pytest.raises(docker.errors.ContainerError, match="unrecognized arguments: --swap-space"):
        rig.client.containers.run(
            rig.stub_image,
            [*workload().command, "--swap-space", "4"],
            entrypoint=list(STAND_IN),
            working_dir="/stand-in",
            volumes=MOUNTS,
            labels=rig.labels,
            remove=True,
        )
