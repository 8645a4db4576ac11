"""A container from update to drift to deletion, and what a kill leaves, on a real engine."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
import pytest

from rehearsal.backend import Existing, ResourceFailedError
from tests.rehearsal_docker.conftest import CONTAINER, VOLUME, Hands

pytestmark = pytest.mark.docker

MIB = 1024 * 1024


def inspected(client: docker.DockerClient, made: Existing) -> dict[str, Any]:
    attrs: dict[str, Any] = client.containers.get(made.id).attrs
    return attrs


def test_a_refresh_of_an_untouched_container_changes_nothing(hands: Hands) -> None:
    made = hands.sleeper("calm", memory=64, cpus="0.50", restart="on-failure", stopTimeout=3)
    assert made.inputs == hands.backend.check(CONTAINER, "calm", made.inputs, None)
    assert "runtime" in made.outputs
    assert "runtime" not in made.inputs
    assert hands.refreshed(CONTAINER, made) == made


def test_limits_and_restart_policy_change_in_place(hands: Hands, client: docker.DockerClient) -> None:
    made = hands.sleeper("limits", memory=64)
    new = {**made.inputs, "memory": 256, "restart": "on-failure", "maxRetryCount": 2, "cpuShares": 512}
    assert hands.backend.diff(CONTAINER, made, new).replace == ()
    updated = hands.backend.update(CONTAINER, made, new, hands.said.append)
    assert updated.id == made.id
    host = inspected(client, made)["HostConfig"]
    assert (host["Memory"], host["CpuShares"]) == (256 * MIB, 512)
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 2}
    assert hands.backend.diff(CONTAINER, updated, new).changed == ()


def test_what_was_changed_by_hand_shows_after_a_refresh(hands: Hands, client: docker.DockerClient) -> None:
    made = hands.sleeper("drift", memory=64, restart="always")
    container = client.containers.get(made.id)
    container.update(mem_limit="128m", memswap_limit="256m", restart_policy={"Name": "on-failure"})
    fresh = hands.backend.read(CONTAINER, made.id, made.outputs)
    assert fresh is not None
    found = hands.backend.diff(CONTAINER, fresh, made.inputs)
    assert set(found.changed) == {"memory", "restart"}
    hands.backend.update(CONTAINER, fresh, made.inputs, hands.said.append)
    assert inspected(client, made)["HostConfig"]["Memory"] == 64 * MIB


def test_a_stopped_container_that_must_run_is_started_again(
    hands: Hands, client: docker.DockerClient
) -> None:
    made = hands.sleeper("stopped")
    client.containers.get(made.id).kill()
    fresh = hands.backend.read(CONTAINER, made.id, made.outputs)
    assert fresh is not None
    assert fresh.inputs["mustRun"] is False
    assert fresh.outputs["exitCode"] == 137
    found = hands.backend.diff(CONTAINER, fresh, made.inputs)
    assert (found.changed, found.replace) == (("mustRun",), ())
    again = hands.backend.update(CONTAINER, fresh, made.inputs, hands.said.append)
    assert client.containers.get(made.id).status == "running"
    assert "exitCode" not in again.outputs
    assert hands.backend.diff(CONTAINER, again, made.inputs).changed == ()


def test_a_removed_container_is_gone_and_deleting_it_again_is_no_error(
    hands: Hands, client: docker.DockerClient, gone: Callable[[str], bool]
) -> None:
    made = hands.sleeper("removed", volumes=[{"containerPath": "/scratch"}])
    anonymous = inspected(client, made)["Mounts"][0]["Name"]
    hands.delete(CONTAINER, made)
    hands.delete(CONTAINER, made)
    assert gone(made.id)
    assert anonymous not in {each.name for each in client.volumes.list()}
    assert hands.backend.read(CONTAINER, made.id, made.outputs) is None


def test_deleting_gives_the_program_its_time_to_stop(hands: Hands) -> None:
    volume = hands.create(VOLUME, "farewell")
    mounts = [{"type": "volume", "source": volume.id, "target": "/data"}]
    program = "trap 'sleep 1; echo bye > /data/said; exit 0' TERM; while :; do sleep 0.1; done"
    made = hands.create(CONTAINER, "polite", command=["sh", "-c", program], mounts=mounts, stopTimeout=8)
    hands.delete(CONTAINER, made)
    reader = hands.create(
        CONTAINER,
        "reader",
        command=["cat", "/data/said"],
        mounts=mounts,
        mustRun=False,
        attach=True,
        logs=True,
    )
    assert reader.outputs["containerLogs"] == "bye\n"


def test_what_a_killed_create_left_is_found_and_can_be_replaced(
    hands: Hands, client: docker.DockerClient, gone: Callable[[str], bool]
) -> None:
    inputs = hands.check(CONTAINER, "left", command=["sleep", "600"], destroyGraceSeconds=1)
    # As a create that was killed after Docker's answer and before the start.
    left = client.containers.create(
        inputs["image"],
        inputs["command"],
        name=inputs["name"],
        labels={each["label"]: each["value"] for each in inputs["labels"]},
    )
    left_id = str(left.id)
    assert hands.backend.find(CONTAINER, inputs) == left_id
    hands.backend.delete(CONTAINER, left_id, inputs, hands.said.append)
    assert gone(left_id)
    assert hands.backend.find(CONTAINER, inputs) is None


def test_somebody_elses_container_of_that_name_is_not_found_and_not_replaced(hands: Hands) -> None:
    made = hands.sleeper("mine")
    other = {**made.inputs, "labels": [{"label": "owner", "value": "you"}]}
    assert hands.backend.find(CONTAINER, other) is None
    with pytest.raises(ResourceFailedError, match="already in use"):
        hands.backend.create(CONTAINER, "urn:x::mine", other, hands.said.append)


def test_the_beginning_of_an_id_is_not_a_name(hands: Hands) -> None:
    made = hands.sleeper("mine")
    assert hands.backend.find(CONTAINER, {**made.inputs, "name": made.id[:12]}) is None


def test_an_image_that_is_not_there_is_an_error_that_names_it(hands: Hands) -> None:
    with pytest.raises(ResourceFailedError, match="no-such-image:1") as failure:
        hands.create(CONTAINER, "nothing", image="no-such-image:1")
    assert failure.value.created is None


def test_eight_containers_are_made_side_by_side(hands: Hands, client: docker.DockerClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda at: hands.sleeper(f"side-{at}"), range(8)))
    assert {client.containers.get(each.id).status for each in made} == {"running"}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: hands.delete(CONTAINER, each), made))
    hands.made.clear()
