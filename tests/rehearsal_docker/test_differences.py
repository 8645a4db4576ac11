"""The diff tables: what changes nothing, what updates, what replaces. Needs no engine."""

from typing import Any

import pytest

from rehearsal.backend import UNKNOWN, Diff, Existing
from rehearsal.docker_backend import DockerBackend

CONTAINER = "docker:index/container:Container"
NETWORK = "docker:index/network:Network"
VOLUME = "docker:index/volume:Volume"
REMOTE_IMAGE = "docker:index/remoteImage:RemoteImage"

OLD: dict[str, Any] = {
    "name": "web",
    "image": "sha256:1",
    "memory": 64,
    "user": "10001",
    "envs": ["A=1", "B=2"],
    "command": ["serve"],
    "hosts": [{"host": "a", "ip": "10.0.0.1"}, {"host": "b", "ip": "10.0.0.2"}],
    "ports": [{"internal": 80, "external": 8080, "ip": "127.0.0.1"}],
}


def diff(token: str, old: dict[str, Any], new: dict[str, Any], **outputs: Any) -> Diff:
    return DockerBackend(host="tcp://127.0.0.1:9").diff(token, Existing("1", outputs, old), new)


@pytest.mark.parametrize(
    "new",
    [
        {},
        {"envs": ["B=2", "A=1"]},
        {"hosts": [{"ip": "10.0.0.2", "host": "b"}, {"host": "a", "ip": "10.0.0.1"}]},
        {"restart": "no", "mustRun": True, "start": True, "waitTimeout": 60, "networkMode": "bridge"},
        {"readOnly": False, "cpuShares": 0, "dns": [], "tmpfs": {}, "domainname": ""},
        {"user": None},
        {"command": None},
        {"ports": [{"internal": 80, "ip": "127.0.0.1"}]},
        {"ports": [{"internal": 80, "external": 8080, "ip": "127.0.0.1", "protocol": "tcp"}]},
    ],
)
def test_the_same_container_said_otherwise_is_no_change(new: dict[str, Any]) -> None:
    assert diff(CONTAINER, OLD, {**OLD, **new}) == Diff()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("restart", "always"),
        ("maxRetryCount", 3),
        ("memory", 128),
        ("memorySwap", 256),
        ("memoryReservation", 32),
        ("cpuShares", 512),
        ("cpuSet", "0"),
        ("destroyGraceSeconds", 5),
        ("waitTimeout", 90),
        ("mustRun", False),
        ("logs", True),
    ],
)
def test_a_change_that_docker_can_make_in_place_is_an_update(key: str, value: Any) -> None:
    assert diff(CONTAINER, OLD, {**OLD, key: value}) == Diff((key,), ())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image", "sha256:2"),
        ("name", "other"),
        ("command", ["serve", "--more"]),
        ("envs", ["A=1"]),
        ("user", "0"),
        ("cpus", "0.5"),
        ("readOnly", True),
        ("capabilities", {"drops": ["ALL"]}),
        ("securityOpts", ["no-new-privileges"]),
        ("tmpfs", {"/tmp": ""}),
        ("init", True),
        ("healthcheck", {"tests": ["CMD", "true"]}),
        ("mounts", [{"type": "volume", "source": "a", "target": "/a"}]),
        ("networksAdvanced", [{"name": "n", "aliases": ["web"]}]),
        ("ports", [{"internal": 80, "external": 8081, "ip": "127.0.0.1"}]),
        ("labels", [{"label": "a", "value": "b"}]),
        ("uploads", [{"file": "/a", "content": "x"}]),
        ("logOpts", {"max-size": "10m"}),
        ("stopTimeout", 30),
        ("image", UNKNOWN),
        ("hosts", [{"host": "a", "ip": UNKNOWN}]),
    ],
)
def test_any_other_change_replaces_the_container_after_deleting_it(key: str, value: Any) -> None:
    assert diff(CONTAINER, OLD, {**OLD, key: value}) == Diff((key,), (key,), delete_before_replace=True)


def test_lifting_a_limit_replaces_since_docker_cannot_update_it_away() -> None:
    new = {key: value for key, value in OLD.items() if key != "memory"}
    assert diff(CONTAINER, OLD, new) == Diff(("memory",), ("memory",), delete_before_replace=True)


def test_a_container_that_stopped_is_started_by_an_update() -> None:
    assert diff(CONTAINER, {**OLD, "mustRun": False}, OLD) == Diff(("mustRun",), ())


@pytest.mark.parametrize("token", [NETWORK, VOLUME])
def test_a_fixed_name_is_deleted_before_it_is_made_again(token: str) -> None:
    new = {"name": "a", "driver": "other"}
    assert diff(token, {"name": "a"}, new) == Diff(("driver",), ("driver",), delete_before_replace=True)


@pytest.mark.parametrize("token", [NETWORK, VOLUME])
def test_an_automatic_name_is_made_anew_before_the_old_one_goes(token: str) -> None:
    new = {"name": "a-0000000", "driver": "other"}
    found = diff(token, {"name": "a-0000000"}, new, __autoNamed=True)
    assert found == Diff(("driver",), ("driver",), delete_before_replace=False)


def test_labels_of_a_network_have_no_order() -> None:
    labels = [{"label": "a", "value": "1"}, {"label": "b", "value": "2"}]
    assert diff(NETWORK, {"name": "n", "labels": labels}, {"name": "n", "labels": labels[::-1]}) == Diff()


def test_keeping_a_pulled_image_locally_is_an_update() -> None:
    assert diff(REMOTE_IMAGE, {"name": "a"}, {"name": "a", "keepLocally": True}) == Diff(("keepLocally",))
