"""The whole life of networks, volumes and pulled images on a real engine."""

import docker
import pytest
from docker.errors import NotFound

from rehearsal.backend import ResourceFailedError
from rehearsal.docker_backend import DockerBackend
from tests.rehearsal_docker.conftest import CONTAINER, NETWORK, REMOTE_IMAGE, VOLUME, Hands

pytestmark = pytest.mark.docker


def test_a_network_is_made_read_and_deleted_twice(hands: Hands, client: docker.DockerClient) -> None:
    made = hands.create(
        NETWORK,
        "net",
        internal=True,
        driver="bridge",
        ipamConfigs=[{"subnet": "10.231.77.0/24", "gateway": "10.231.77.1"}],
        options={"com.docker.network.bridge.enable_icc": "true"},
    )
    seen = client.networks.get(made.id)
    assert seen.name == made.outputs["name"]
    assert seen.attrs["Internal"] is True
    assert seen.attrs["IPAM"]["Config"] == [{"Subnet": "10.231.77.0/24", "Gateway": "10.231.77.1"}]
    again = hands.backend.read(NETWORK, made.id, made.outputs)
    assert again == made
    hands.delete(NETWORK, made)
    hands.delete(NETWORK, made)
    with pytest.raises(NotFound):
        client.networks.get(made.id)
    assert hands.backend.read(NETWORK, made.id, made.outputs) is None


def test_outputs_tell_what_the_engine_picked(hands: Hands) -> None:
    made = hands.create(NETWORK, "plain")
    assert made.outputs["driver"] == "bridge"
    assert made.outputs["scope"] == "local"
    assert made.outputs["ipamConfigs"][0]["subnet"]
    assert hands.backend.diff(NETWORK, made, hands.made[0][1].inputs).changed == ()


def test_a_refreshed_network_is_no_change_for_the_program_that_made_it(hands: Hands) -> None:
    made = hands.create(NETWORK, "net", internal=True)
    assert hands.refreshed(NETWORK, made) == made
    assert "driver" not in made.inputs


def test_an_automatic_name_is_noted_so_that_a_replacement_may_stand_beside_it(hands: Hands) -> None:
    first = hands.create(NETWORK, "net")
    changed = {**first.inputs, "internal": True}
    assert hands.backend.diff(NETWORK, first, changed).delete_before_replace is False
    second = hands.create(NETWORK, "net", internal=True)
    assert second.outputs["name"] != first.outputs["name"]


def test_a_second_network_of_one_name_is_refused(hands: Hands, run_id: str) -> None:
    hands.create(NETWORK, "net", name=f"fixed-{run_id}")
    with pytest.raises(ResourceFailedError, match="already exists"):
        hands.create(NETWORK, "net", name=f"fixed-{run_id}")


def test_a_network_in_use_names_who_uses_it(hands: Hands) -> None:
    network = hands.create(NETWORK, "net")
    user = hands.sleeper("user", networksAdvanced=[{"name": network.id}])
    with pytest.raises(ResourceFailedError, match="disconnect -f") as failure:
        hands.delete(NETWORK, network)
    assert user.outputs["name"] in str(failure.value)
    assert any("waiting" in line for line in hands.said)


def test_a_volume_is_made_read_and_deleted_twice(hands: Hands, client: docker.DockerClient) -> None:
    made = hands.create(VOLUME, "data", driver="local", driverOpts={"type": "tmpfs", "device": "tmpfs"})
    assert made.id == made.outputs["name"]
    assert made.outputs["mountpoint"] == client.volumes.get(made.id).attrs["Mountpoint"]
    assert client.volumes.get(made.id).attrs["Options"] == {"type": "tmpfs", "device": "tmpfs"}
    assert hands.backend.read(VOLUME, made.id, made.outputs) == made
    hands.delete(VOLUME, made)
    hands.delete(VOLUME, made)
    assert hands.backend.read(VOLUME, made.id, made.outputs) is None


def test_a_volume_in_use_names_who_uses_it(hands: Hands) -> None:
    volume = hands.create(VOLUME, "data")
    mounts = [{"type": "volume", "source": volume.id, "target": "/data"}]
    user = hands.sleeper("user", mounts=mounts)
    with pytest.raises(ResourceFailedError, match="still uses it") as failure:
        hands.delete(VOLUME, volume)
    assert user.outputs["name"] in str(failure.value)


@pytest.mark.parametrize("token", [NETWORK, VOLUME])
def test_what_a_killed_create_left_is_found_by_its_name(hands: Hands, token: str) -> None:
    made = hands.create(token, "left")
    assert hands.backend.find(token, made.inputs) == made.id
    assert hands.backend.find(token, {**made.inputs, "name": "left-0000000"}) is None


@pytest.mark.parametrize("token", [NETWORK, VOLUME])
def test_somebody_elses_object_of_that_name_is_not_found(hands: Hands, token: str) -> None:
    made = hands.create(token, "left")
    other = [*made.inputs["labels"], {"label": "owner", "value": "me"}]
    assert hands.backend.find(token, {**made.inputs, "labels": other}) is None


def test_an_image_that_is_here_is_taken_and_kept(hands: Hands, client: docker.DockerClient) -> None:
    made = hands.create(REMOTE_IMAGE, "base", name=hands.base, keepLocally=True)
    image = client.images.get(hands.base)
    assert made.outputs["imageId"] == image.id
    assert made.id == f"{image.id}{hands.base}"
    hands.delete(REMOTE_IMAGE, made)
    assert client.images.get(hands.base).id == image.id


def test_an_image_that_is_not_kept_is_untagged(
    hands: Hands, client: docker.DockerClient, run_id: str
) -> None:
    name = f"{run_id}-extra:1"
    client.images.get(hands.base).tag(name)
    made = hands.create(REMOTE_IMAGE, "extra", name=name)
    hands.delete(REMOTE_IMAGE, made)
    hands.delete(REMOTE_IMAGE, made)
    assert hands.backend.read(REMOTE_IMAGE, made.id, made.outputs) is None


def test_an_image_that_cannot_be_pulled_says_so(hands: Hands) -> None:
    # Port 9 of this machine is no registry.
    name = "127.0.0.1:9/no/such:image"
    with pytest.raises(ResourceFailedError, match=f"pull image {name}, which is not on this Docker engine"):
        hands.create(REMOTE_IMAGE, "missing", name=name)


def test_no_engine_is_an_error_with_the_next_step() -> None:
    backend = DockerBackend(host="tcp://127.0.0.1:9")
    with pytest.raises(ResourceFailedError, match=r"127\.0\.0\.1:9.*DOCKER_HOST"):
        backend.read(CONTAINER, "x", {})


def test_docker_host_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    with pytest.raises(ResourceFailedError, match="docker context use"):
        DockerBackend().delete(NETWORK, "x", {}, lambda _: None)


def test_an_unmade_object_has_no_state(backend: DockerBackend) -> None:
    assert backend.read(CONTAINER, "f" * 64, {"image": "x"}) is None
    backend.delete(CONTAINER, "f" * 64, {}, lambda _: None)
