"""How the local stack hangs together: names, parents, outputs, what a change touches, what is refused."""

import json

import pytest

from rehearsal import RehearsalError, Rendering
from tests.components.conftest import render_stack, render_unwatched

MODEL = "smollm2-135m-instruct"
CONTAINER = "docker:index/container:Container"


def test_components_have_the_kits_type_tokens_and_parents(unwatched: Rendering) -> None:
    tokens = {each.type for each in unwatched.resources if not each.custom}
    assert tokens == {
        "pulumi:pulumi:Stack",
        *(
            f"slm:index:{name}"
            for name in (
                "ApiKeys", "ContainerImage", "DockerFiles", "DockerPlatform", "DockerWorkload", "Gateway",
                "ModelService", "ModelStore",
            )
        ),
    }  # fmt: skip
    for each in unwatched.resources:
        if each.custom and not each.type.startswith("pulumi:providers"):
            assert "slm:index:" in each.parent, f"{each.name} has no component above it"


def test_outputs_name_the_endpoint_and_the_models(unwatched: Rendering) -> None:
    (size,) = unwatched.outputs["sizing"]
    assert {key: value for key, value in unwatched.outputs.items() if key != "sizing"} == {
        "endpoint": "http://127.0.0.1:8080/v1",
        "models": ["smollm2-135m-instruct"],
    }
    assert (size["engine"], size["context"], size["concurrency"]) == ("onnx", 1024, 2)
    assert size["fits"] is True
    engine = next(e for e in unwatched.of_type(CONTAINER) if e.name == "smollm2-135m-instruct")
    assert engine.inputs["memory"] * 2**20 == size["memory_limit"] > size["needs"] * 0.9
    assert unwatched.secret_outputs == ()


def test_a_context_length_changes_the_engine_container_and_nothing_else(unwatched: Rendering) -> None:
    longer = render_unwatched(models=[{"name": MODEL, "contextLength": 2048, "concurrency": 2}])
    before = {each.urn: each.inputs for each in unwatched.resources}
    after = {each.urn: each.inputs for each in longer.resources}
    assert before.keys() == after.keys()
    changed = [urn for urn in before if before[urn] != after[urn]]
    assert [urn.rpartition("::")[2] for urn in changed] == ["smollm2-135m-instruct"]
    assert CONTAINER in changed[0]


def test_a_key_more_changes_only_what_writes_the_gateways_files(unwatched: Rendering) -> None:
    more = render_unwatched(
        keys=[{"id": "default", "requestsPerMinute": 60}, {"id": "second"}],
        keySecrets={"default": "slm-" + "k" * 43, "second": "slm-" + "s" * 43},
    )
    before = {each.urn: each.inputs for each in unwatched.resources}
    changed = {e.name for e in more.resources if before.get(e.urn) != e.inputs}
    assert changed == {"gateway-config", "gateway-secrets"}


def test_one_model_under_two_names_is_two_services_and_one_store_job() -> None:
    name = "smollm2-135m-instruct"
    twice = render_unwatched(models=[{"name": name}, {"name": "short", "model": name, "contextLength": 512}])
    containers = {each.name for each in twice.of_type(CONTAINER)}
    assert {name, "short", f"models-{name}-onnx-int4-from-gguf"} <= containers
    jobs = [each for each in containers if each.startswith("models-") and not each.endswith("-secrets")]
    assert len(jobs) == 1
    assert twice.outputs["models"] == [name, "short"]


def test_the_store_job_gets_the_whole_specification(unwatched: Rendering) -> None:
    job = next(
        each
        for each in unwatched.of_type(CONTAINER)
        if each.name == "models-smollm2-135m-instruct-onnx-int4-from-gguf"
    )
    command = job.inputs["command"]
    wanted = json.loads(command[command.index("--spec") + 1])
    assert wanted["model"] == "smollm2-135m-instruct"
    assert job.inputs["attach"] is True


def test_only_the_images_that_are_needed_are_built(unwatched: Rendering) -> None:
    built = {each.name for each in unwatched.of_type("docker:index/image:Image")}
    assert built == {"gateway", "onnx-server", "model-tools-convert"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": [{"name": "gpt-5"}]}, "not in the catalog"),
        ({"target": "moon"}, "compositions are local-docker"),
        ({"gatewayPort": 70000}, "less than or equal to 65535"),
        ({"keySecrets": {}}, "has no secret"),
        ({"engineMemoryMib": 700}, "What fits"),
        ({"engineMemoryMib": "2000"}, "for which it needs"),
    ],
)
def test_what_cannot_work_is_refused_before_the_first_resource(
    changes: dict[str, object], words: str
) -> None:
    with pytest.raises(RehearsalError, match=words) as refusal:
        render_stack(**changes)
    assert "Traceback" not in str(refusal.value)
