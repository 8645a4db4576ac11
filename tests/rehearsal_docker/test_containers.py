"""What a container gets from its inputs, on a real engine."""

import socket
from collections.abc import Callable
from typing import Any

import docker
import pytest

from rehearsal.backend import UNKNOWN, Existing, ResourceFailedError
from tests.rehearsal_docker.conftest import CONTAINER, NETWORK, VOLUME, Hands

pytestmark = pytest.mark.docker

Inside = Callable[[str, str], str]

MIB = 1024 * 1024


def inspected(client: docker.DockerClient, made: Existing) -> dict[str, Any]:
    attrs: dict[str, Any] = client.containers.get(made.id).attrs
    return attrs


def test_a_hardened_container_is_hard(hands: Hands, client: docker.DockerClient, inside: Inside) -> None:
    made = hands.sleeper(
        "hard",
        user="10001:10001",
        readOnly=True,
        capabilities={"drops": ["ALL"]},
        securityOpts=["no-new-privileges"],
        tmpfs={"/tmp": "size=8m,mode=1777"},
        memory=64,
        memorySwap=64,
        cpus="0.5",
        ulimits=[{"name": "nofile", "soft": 512, "hard": 1024}],
        logDriver="json-file",
        logOpts={"max-size": "1m", "max-file": "2"},
    )
    assert inside(made.id, "id -u") == "10001"
    assert "Read-only file system" in inside(made.id, "touch /var/x 2>&1 || true")
    assert inside(made.id, "touch /tmp/x && echo made") == "made"
    assert inside(made.id, "grep CapEff /proc/self/status").split() == ["CapEff:", "0000000000000000"]
    assert inside(made.id, "grep NoNewPrivs /proc/self/status").split() == ["NoNewPrivs:", "1"]
    # Of what an exec sees the hard one only: older runc (1.1) may leave the soft one raised by a race.
    assert inside(made.id, "ulimit -Hn") == "1024"
    host = inspected(client, made)["HostConfig"]
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 512, "Hard": 1024}]
    assert (host["Memory"], host["MemorySwap"], host["NanoCpus"]) == (64 * MIB, 64 * MIB, 500_000_000)
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "2"}}


def test_environment_folder_hostname_and_groups_arrive(hands: Hands, inside: Inside) -> None:
    made = hands.sleeper(
        "surroundings",
        envs=["GREETING=hello you"],
        workingDir="/var",
        hostname="somebody",
        hosts=[{"host": "elsewhere", "ip": "10.1.2.3"}],
        dns=["10.1.2.4"],
        groupAdds=["4242"],
        shmSize=16,
        sysctls={"net.ipv4.ip_unprivileged_port_start": "0"},
    )
    assert inside(made.id, "echo $GREETING; pwd; hostname") == "hello you\n/var\nsomebody"
    assert "10.1.2.3\telsewhere" in inside(made.id, "cat /etc/hosts")
    assert "10.1.2.4" in inside(made.id, "cat /etc/resolv.conf")
    assert "4242" in inside(made.id, "id -G").split()
    assert inside(made.id, "df -m --output=size /dev/shm | tail -1").strip() == "16"


def test_a_container_answers_by_alias_on_its_networks_only(
    hands: Hands, client: docker.DockerClient, inside: Inside
) -> None:
    first = hands.create(NETWORK, "first", ipamConfigs=[{"subnet": "10.231.78.0/24"}])
    second = hands.create(NETWORK, "second")
    server = hands.sleeper(
        "server",
        networksAdvanced=[
            {"name": first.outputs["name"], "aliases": ["engine"], "ipv4Address": "10.231.78.9"},
            {"name": second.id},
        ],
    )
    user = hands.sleeper("user", networksAdvanced=[{"name": first.id}])
    assert inside(user.id, "getent hosts engine").split()[0] == "10.231.78.9"
    networks = inspected(client, server)["NetworkSettings"]["Networks"]
    assert set(networks) == {first.outputs["name"], second.outputs["name"]}
    told = {each["networkName"]: each["ipAddress"] for each in server.outputs["networkDatas"]}
    assert told[first.outputs["name"]] == "10.231.78.9"


def test_a_published_port_is_the_one_asked_for_or_the_one_told(
    hands: Hands, client: docker.DockerClient
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    wanted = [{"internal": 80, "external": port, "ip": "127.0.0.1"}, {"internal": 81, "ip": "127.0.0.1"}]
    made = hands.sleeper("ports", ports=wanted)
    bound = inspected(client, made)["NetworkSettings"]["Ports"]
    assert bound["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": str(port)}]
    assert made.outputs["ports"][0]["external"] == port
    assert str(made.outputs["ports"][1]["external"]) == bound["81/tcp"][0]["HostPort"]
    previewed = hands.backend.preview(CONTAINER, made.inputs)["ports"]
    assert [each.get("external") for each in previewed] == [port, UNKNOWN]
    assert made.inputs["ports"] == wanted
    assert hands.refreshed(CONTAINER, made) == made


def test_volumes_and_mounts_are_where_they_should_be(hands: Hands, inside: Inside) -> None:
    volume = hands.create(VOLUME, "data")
    writer = hands.sleeper("writer", volumes=[{"volumeName": volume.id, "containerPath": "/data"}])
    inside(writer.id, "echo kept > /data/file")
    reader = hands.sleeper(
        "reader",
        mounts=[
            {"type": "volume", "source": volume.id, "target": "/models", "readOnly": True},
            {"type": "tmpfs", "target": "/cache", "tmpfsOptions": {"sizeBytes": 4 * MIB, "mode": 0o700}},
            {"type": "bind", "source": "/etc/hostname", "target": "/host", "readOnly": True},
        ],
    )
    assert inside(reader.id, "cat /models/file") == "kept"
    assert "Read-only" in inside(reader.id, "touch /models/x 2>&1 || true")
    assert inside(reader.id, "stat -c %a /cache; df -m --output=size /cache | tail -1").split() == [
        "700",
        "4",
    ]
    assert inside(reader.id, "test -f /host && echo there") == "there"


def test_uploads_are_there_before_the_first_instruction(hands: Hands, inside: Inside) -> None:
    made = hands.create(
        CONTAINER,
        "uploads",
        command=["sh", "-c", "cp -p /run/new/secret /copy && exec sleep 600"],
        init=True,
        destroyGraceSeconds=1,
        uploads=[
            {
                "file": "/run/new/secret",
                "content": "hush",
                "permissions": "0400",
                "owner": "10001",
                "group": "10002",
            },
            {"file": "/usr/local/bin/greet", "content": "#!/bin/sh\necho hi\n", "executable": True},
        ],
    )
    assert inside(made.id, "stat -c '%a %u %g' /copy; cat /copy").split() == ["400", "10001", "10002", "hush"]
    assert inside(made.id, "greet") == "hi"


def test_the_content_of_an_upload_is_in_no_message(hands: Hands) -> None:
    uploads = [{"file": "/etc/passwd/below-a-file", "content": "hush hush"}]
    with pytest.raises(ResourceFailedError) as failure:
        hands.sleeper("uploads", uploads=uploads)
    assert failure.value.created is not None
    assert "hush" not in str(failure.value)
    assert not any("hush" in line for line in hands.said)
    hands.backend.delete(CONTAINER, failure.value.created, {}, hands.said.append)
