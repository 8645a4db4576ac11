"""One-shot containers that run to their end, and containers that have to become healthy."""

import time
from collections.abc import Callable
from typing import Any

import docker
import pytest

from rehearsal.backend import ResourceFailedError
from tests.rehearsal_docker.conftest import CONTAINER, Hands

pytestmark = pytest.mark.docker

ONE_SHOT: dict[str, Any] = {"mustRun": False, "attach": True}


def shell(line: str) -> dict[str, Any]:
    return {"command": ["sh", "-c", line]}


def test_a_one_shot_container_runs_to_its_end_and_says_its_lines_meanwhile(hands: Hands) -> None:
    heard: list[tuple[str, float]] = []
    inputs = hands.check(CONTAINER, "job", **shell("echo first; sleep 1.5; echo second >&2"), **ONE_SHOT)
    made = hands.backend.create(
        CONTAINER, "urn:x::job", inputs, lambda line: heard.append((line, time.monotonic()))
    )
    assert [line for line, _ in heard] == ["first", "second"]
    assert heard[1][1] - heard[0][1] > 1
    assert made.outputs["exitCode"] == 0
    assert "containerLogs" not in made.outputs
    fresh = hands.backend.read(CONTAINER, made.id, made.outputs)
    assert fresh is not None
    assert hands.backend.diff(CONTAINER, fresh, inputs).changed == ()
    hands.delete(CONTAINER, made)


def test_the_log_is_an_output_where_asked_for(hands: Hands) -> None:
    made = hands.create(CONTAINER, "job", **shell("seq 1 30"), **ONE_SHOT, logs=True)
    assert made.outputs["containerLogs"] == "".join(f"{at}\n" for at in range(1, 31))


def test_a_job_that_fails_stays_for_inspection_and_shows_its_last_lines(
    hands: Hands, client: docker.DockerClient
) -> None:
    inputs = hands.check(CONTAINER, "job", **shell("seq 1 30; exit 3"), **ONE_SHOT)
    with pytest.raises(ResourceFailedError) as failure:
        hands.backend.create(CONTAINER, "urn:x::job", inputs, hands.said.append)
    text = str(failure.value)
    assert f"{inputs['name']} ended with code 3" in text
    assert text.endswith("Its last lines:\n" + "\n".join(str(at) for at in range(11, 31)))
    left = failure.value.created
    assert left is not None
    assert client.containers.get(left).status == "exited"
    assert hands.backend.find(CONTAINER, inputs) == left
    hands.backend.delete(CONTAINER, left, inputs, hands.said.append)
    hands.create(CONTAINER, "job", **{**inputs, **shell("exit 0")})


def test_no_number_of_other_lines_hides_what_a_failed_job_said_as_its_error(hands: Hands) -> None:
    line = "echo no disk >&2; sleep 0.2; seq 1 100; exit 3"
    inputs = hands.check(CONTAINER, "job", **shell(line), **ONE_SHOT)
    with pytest.raises(ResourceFailedError, match=r"(?s)\n81\n.*\n100\nno disk$") as failure:
        hands.backend.create(CONTAINER, "urn:x::job", inputs, hands.said.append)
    assert failure.value.created is not None
    hands.backend.delete(CONTAINER, failure.value.created, inputs, hands.said.append)


def test_a_job_whose_log_cannot_be_read_still_ends(hands: Hands) -> None:
    made = hands.create(CONTAINER, "job", **shell("echo unheard; sleep 0.5"), **ONE_SHOT, logDriver="none")
    assert made.outputs["exitCode"] == 0


def test_a_container_that_is_not_started_only_exists(hands: Hands, client: docker.DockerClient) -> None:
    made = hands.create(CONTAINER, "later", **shell("exit 1"), start=False, mustRun=False)
    assert client.containers.get(made.id).status == "created"


def test_a_service_that_ends_at_once_fails_with_its_last_lines(hands: Hands) -> None:
    inputs = hands.check(CONTAINER, "broken", **shell("echo cannot bind; exit 4"))
    with pytest.raises(ResourceFailedError, match=r"(?s)code 4 as soon.*cannot bind") as failure:
        hands.backend.create(CONTAINER, "urn:x::broken", inputs, hands.said.append)
    assert failure.value.created is not None
    hands.backend.delete(CONTAINER, failure.value.created, inputs, hands.said.append)


def health(test: str) -> dict[str, Any]:
    return {
        "healthcheck": {
            "tests": ["CMD-SHELL", test],
            "interval": "500ms",
            "timeout": "2s",
            "startPeriod": "0s",
            "retries": 100,
        },
        "wait": True,
        "init": True,
        "destroyGraceSeconds": 1,
    }


def test_waiting_ends_when_the_health_check_passes(hands: Hands, client: docker.DockerClient) -> None:
    begin = time.monotonic()
    made = hands.create(
        CONTAINER,
        "slow",
        **shell("sleep 2; touch /ready; sleep 600"),
        **health("test -f /ready"),
        waitTimeout=30,
    )
    assert 2 <= time.monotonic() - begin < 30
    assert client.containers.get(made.id).attrs["State"]["Health"]["Status"] == "healthy"


def test_a_container_that_is_never_healthy_fails_with_what_it_and_the_check_said(hands: Hands) -> None:
    inputs = hands.check(
        CONTAINER,
        "sick",
        **shell("echo loading nothing; exec sleep 600"),
        **health("echo no model; exit 1"),
        waitTimeout=3,
    )
    with pytest.raises(ResourceFailedError) as failure:
        hands.backend.create(CONTAINER, "urn:x::sick", inputs, hands.said.append)
    text = str(failure.value)
    assert all(part in text for part in ["within 3 s", "waitTimeout", "no model", "loading nothing"])
    assert failure.value.created is not None
    hands.backend.delete(CONTAINER, failure.value.created, inputs, hands.said.append)


def test_waiting_is_given_up_as_soon_as_the_container_ends(hands: Hands) -> None:
    begin = time.monotonic()
    inputs = hands.check(
        CONTAINER, "crash", **shell("sleep 1; echo oops; exit 5"), **health("exit 1"), waitTimeout=60
    )
    with pytest.raises(ResourceFailedError, match=r"(?s)code 5 before it was healthy.*oops") as failure:
        hands.backend.create(CONTAINER, "urn:x::crash", inputs, hands.said.append)
    assert time.monotonic() - begin < 30
    assert failure.value.created is not None
    hands.backend.delete(CONTAINER, failure.value.created, inputs, hands.said.append)


def test_waiting_without_a_health_check_says_what_to_do(hands: Hands, gone: Callable[[str], bool]) -> None:
    with pytest.raises(ResourceFailedError, match="Set healthcheck, or wait=false") as failure:
        hands.sleeper("unchecked", wait=True)
    assert failure.value.created is not None
    assert not gone(failure.value.created)
    hands.backend.delete(CONTAINER, failure.value.created, {"destroyGraceSeconds": 1}, hands.said.append)
