"""What `check` refuses and fills in. Needs no engine."""

from typing import Any

import pytest

from rehearsal.backend import UNKNOWN, RefusedError
from rehearsal.docker_backend import DockerBackend

CONTAINER = "docker:index/container:Container"
IMAGE = "docker:index/image:Image"
NETWORK = "docker:index/network:Network"


def check(token: str, old: dict[str, Any] | None = None, **inputs: Any) -> dict[str, Any]:
    return DockerBackend(host="tcp://127.0.0.1:9").check(token, "web", inputs, old)


def test_a_missing_name_becomes_the_logical_name_and_seven_hex_digits() -> None:
    name = check(NETWORK)["name"]
    assert name.startswith("web-")
    assert len(name) == len("web-") + 7
    assert set(name.removeprefix("web-")) <= set("0123456789abcdef")


def test_an_automatic_name_is_kept_from_the_old_inputs() -> None:
    assert check(NETWORK, old={"name": "web-0a1b2c3"})["name"] == "web-0a1b2c3"


def test_a_name_that_the_program_no_longer_sets_is_not_kept() -> None:
    assert check(NETWORK, old={"name": "fixed"})["name"] != "fixed"


def test_a_name_of_the_program_is_left_alone() -> None:
    assert check(NETWORK, name="fixed")["name"] == "fixed"


def test_whole_numbers_that_came_as_floats_become_whole() -> None:
    memory = check(CONTAINER, image="x", memory=64.0)["memory"]
    assert memory == 64
    assert isinstance(memory, int)


def test_nulls_are_dropped() -> None:
    assert "memory" not in check(CONTAINER, image="x", memory=None)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"pidsLimit": 5}, ["pidsLimit", "does not implement", "Pulumi CLI"]),
        ({"mounts": [{"target": "/a", "type": "volume", "consistency": "x"}]}, ["mounts[0]", "consistency"]),
        (
            {"mounts": [{"target": "/a", "type": "npipe"}]},
            ["mounts[0]: type", "'npipe'", "bind|volume|tmpfs"],
        ),
        ({"memory": -1}, ["memory", "-1", "least, 0"]),
        ({"memory": "64"}, ["memory", "a whole number"]),
        ({"memory": True}, ["memory", "a whole number"]),
        ({"readOnly": "yes"}, ["readOnly", "true or false"]),
        ({"restart": "sometimes"}, ["restart", "'sometimes'", "unless-stopped"]),
        ({"cpus": "many"}, ["cpus", "'many'"]),
        ({"healthcheck": {"interval": "soon"}}, ["healthcheck: interval", "'soon'"]),
        ({"name": "no/slash"}, ["name", "'no/slash'"]),
        ({"securityOpts": ["systempaths=unconfined"]}, ["securityOpts[0]", "systempaths"]),
        ({"attach": True}, ["attach", "mustRun=false"]),
        ({"attach": True, "mustRun": False, "rm": True}, ["rm"]),
        ({"volumes": [{"volumeName": "data"}]}, ["volumes[0]", "containerPath"]),
        ({"readOnly": True, "uploads": [{"file": "/a", "content": "x"}]}, ["readOnly", "one-shot"]),
        ({"uploads": [{"file": "/a"}]}, ["upload /a", "0 of content, contentBase64, source"]),
        ({"uploads": [{"file": "/a", "content": ""}]}, ["upload /a", "not empty"]),
        ({"uploads": [{"file": "/a", "content": "x", "source": "/b"}]}, ["2 of"]),
        ({"uploads": [{"file": "/a", "source": "/not/there"}]}, ["/not/there", "no file"]),
        ({"uploads": [{"file": "/a", "content": "x", "permissions": "400"}]}, ["'400'", "0[0-7]{3}"]),
        ({"uploads": [{"file": "/a", "content": "x", "owner": "root"}]}, ["owner", "'root'"]),
    ],
)
def test_a_bad_container_input_is_refused_by_name(inputs: dict[str, Any], says: list[str]) -> None:
    with pytest.raises(RefusedError) as refusal:
        check(CONTAINER, image="x", **inputs)
    assert all(part in str(refusal.value) for part in [CONTAINER, "web", *says])


def test_a_missing_image_is_refused() -> None:
    with pytest.raises(RefusedError, match="'image' is required"):
        check(CONTAINER)


@pytest.mark.parametrize(
    "inputs",
    [
        {"uploads": [{"file": "/key", "contentBase64": "hush hush"}]},
        {"uploads": [{"file": "/key", "content": ["hush hush"]}]},
        {"envs": [["hush hush"]]},
        {"envs": "hush hush"},
        {"command": "hush hush"},
    ],
)
def test_a_refusal_never_shows_what_may_be_secret(inputs: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as refusal:
        check(CONTAINER, image="x", **inputs)
    assert "hush" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_unknown_values_pass_at_any_depth() -> None:
    inputs: dict[str, Any] = {
        "image": UNKNOWN,
        "memory": UNKNOWN,
        "attach": UNKNOWN,
        "uploads": [{"file": "/a", "content": UNKNOWN}],
        "networksAdvanced": [{"name": UNKNOWN}],
        "ports": [UNKNOWN],
        "volumes": UNKNOWN,
    }
    checked = check(CONTAINER, **inputs)
    assert {key: checked[key] for key in inputs} == inputs


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({}, "skipPush=true"),
        ({"skipPush": False}, "skipPush=true"),
        ({"skipPush": True, "buildOnPreview": True}, "buildOnPreview"),
        ({"skipPush": True, "registry": {"server": "x"}}, "registry"),
        ({"skipPush": True, "build": {"cacheFrom": {"images": []}}}, "cacheFrom"),
        ({"skipPush": True, "build": {"builderVersion": "BuilderBuildKit"}}, "BuilderV1"),
        ({"skipPush": True, "build": {"context": "/not/there"}}, "/not/there is no folder"),
    ],
)
def test_an_image_that_cannot_be_built_here_is_refused(inputs: dict[str, Any], says: str) -> None:
    with pytest.raises(RefusedError, match=says):
        check(IMAGE, imageName="x:y", **inputs)


def test_a_type_that_is_not_implemented_is_refused_with_the_ones_that_are() -> None:
    with pytest.raises(RefusedError, match=r"service:Service.*container:Container"):
        check("docker:index/service:Service")
