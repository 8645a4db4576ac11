"""Inputs in the words of the Docker API. Needs no engine."""

import base64
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from rehearsal.docker_backend.build_log import BuildFailedError, follow
from rehearsal.docker_backend.container_config import container_body, updates
from rehearsal.docker_backend.running import lines
from rehearsal.docker_backend.units import gpu_request, nano_cpus, nanoseconds
from rehearsal.docker_backend.uploads import archive

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("inputs", "where", "value"),
    [
        ({"memory": 64}, "Memory", 64 * MIB),
        ({"memorySwap": -1}, "MemorySwap", -1),
        ({"shmSize": 128}, "ShmSize", 128 * MIB),
        ({"cpus": "1.5"}, "NanoCpus", 1_500_000_000),
        ({"gpus": "all"}, "DeviceRequests", [{"Driver": "", "Count": -1, "Capabilities": [["gpu"]]}]),
        ({"devices": [{"hostPath": "/dev/x"}]}, "Devices",
         [{"PathOnHost": "/dev/x", "PathInContainer": "/dev/x", "CgroupPermissions": "rwm"}]),
        ({"hosts": [{"host": "a", "ip": "10.0.0.1"}]}, "ExtraHosts", ["a:10.0.0.1"]),
        ({"volumes": [{"volumeName": "v", "containerPath": "/v", "readOnly": True}]}, "Binds", ["v:/v:ro"]),
        ({"volumes": [{"hostPath": "/h", "containerPath": "/v", "selinuxRelabel": "Z"}]}, "Binds",
         ["/h:/v:rw,Z"]),
        ({"volumes": [{"fromContainer": "c"}]}, "VolumesFrom", ["c"]),
        ({"ports": [{"internal": 80}]}, "PortBindings", {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "0"}]}),
        ({"mounts": [{"type": "tmpfs", "target": "/t", "tmpfsOptions": {"sizeBytes": 9, "mode": 511}}]},
         "Mounts",
         [{"Type": "tmpfs", "Target": "/t", "Source": "", "ReadOnly": False,
           "TmpfsOptions": {"SizeBytes": 9, "Mode": 511}}]),
        ({"logDriver": "json-file", "logOpts": {"max-size": "1m"}}, "LogConfig",
         {"Type": "json-file", "Config": {"max-size": "1m"}}),
        ({"restart": "on-failure", "maxRetryCount": 3}, "RestartPolicy",
         {"Name": "on-failure", "MaximumRetryCount": 3}),
        ({"capabilities": {"drops": ["ALL"]}}, "CapDrop", ["ALL"]),
        ({"ulimits": [{"name": "nofile", "soft": 1, "hard": 2}]}, "Ulimits",
         [{"Name": "nofile", "Soft": 1, "Hard": 2}]),
        ({}, "Init", False),
    ],
)  # fmt: skip
def test_a_host_setting_reaches_the_engine_in_its_unit(
    inputs: dict[str, Any], where: str, value: Any
) -> None:
    assert container_body({"image": "x", **inputs})["HostConfig"][where] == value


def test_volume_options_are_passed_whole() -> None:
    options = {"noCopy": True, "labels": [{"label": "a", "value": "b"}], "driverName": "local"}
    given = [{"type": "volume", "source": "v", "target": "/v", "volumeOptions": options}]
    made = container_body({"image": "x", "mounts": given})["HostConfig"]["Mounts"][0]
    assert made["VolumeOptions"] == {
        "NoCopy": True,
        "Labels": {"a": "b"},
        "DriverConfig": {"Name": "local", "Options": {}},
    }


def test_a_published_port_is_exposed_as_well() -> None:
    assert container_body({"image": "x", "ports": [{"internal": 53, "protocol": "udp"}]})["ExposedPorts"] == {
        "53/udp": {}
    }


def test_health_check_times_are_nanoseconds() -> None:
    check = {"tests": ["CMD", "true"], "interval": "1m30s", "timeout": "500ms", "retries": 3}
    assert container_body({"image": "x", "healthcheck": check})["Healthcheck"] == {
        "Test": ["CMD", "true"],
        "Interval": 90_000_000_000,
        "Timeout": 500_000_000,
        "StartPeriod": 0,
        "StartInterval": 0,
        "Retries": 3,
    }


def test_raising_the_memory_raises_the_swap_limit_that_docker_derived_from_it() -> None:
    assert updates({"memory": 128})["memswap_limit"] == 256 * MIB
    assert updates({"memory": 128, "memorySwap": 128})["memswap_limit"] == 128 * MIB


@pytest.mark.parametrize(
    ("text", "nanos"),
    [("0s", 0), ("0", 0), ("1.5s", 1_500_000_000), ("1h2m", 3_720_000_000_000), ("7us", 7000)],
)
def test_go_durations_are_read(text: str, nanos: int) -> None:
    assert nanoseconds(text) == nanos


def test_cpus_are_exact() -> None:
    assert nano_cpus("0.000000001") == 1


@pytest.mark.parametrize(
    ("text", "count", "devices"),
    [("all", -1, None), ("2", 2, None), ("count=3", 3, None), ('"device=0,GPU-a"', 0, ["0", "GPU-a"])],
)
def test_gpus_are_asked_for_as_the_docker_cli_does(text: str, count: int, devices: list[str] | None) -> None:
    request = gpu_request(text)
    assert request["Count"] == count
    assert request.get("DeviceIDs") == devices


def test_uploads_are_one_tar_with_modes_and_numeric_owners(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x00\xff")
    packed = archive(
        [
            {"file": "/etc/a", "content": "ä", "permissions": "0400", "owner": "10001", "group": "10002"},
            {"file": "/b", "contentBase64": base64.b64encode(b"\xfe").decode(), "executable": True},
            {"file": "/c", "source": str(tmp_path / "file")},
        ]
    )
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        found = [(each.name, each.mode, each.uid, each.gid, _read(tar, each)) for each in tar]
    assert found == [
        ("etc/a", 0o400, 10001, 10002, "ä".encode()),
        ("b", 0o744, 0, 0, b"\xfe"),
        ("c", 0o644, 0, 0, b"\x00\xff"),
    ]


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file is not None
    return file.read()


def test_log_lines_survive_chunks_that_split_them() -> None:
    chunks = [b"one\ntw", b"o\n", "drei ä".encode()[:-1], "ä".encode()[1:], b"\n10%\r50%\r100%\r\nrest"]
    assert list(lines(chunks)) == ["one", "two", "drei ä", "100%", "rest"]


def test_a_build_says_one_line_a_step() -> None:
    said: list[str] = []
    messages: list[dict[str, Any]] = [
        {"stream": "Step 1/2 : FROM x"},
        {"stream": "\n"},
        {"stream": " ---> 1\n"},
        {"stream": "Step 2/2 : RUN " + "y" * 200 + "\n"},
        {"aux": {"ID": "sha256:1"}},
    ]
    assert follow(messages, said.append) == "sha256:1"
    assert said[0] == "Step 1/2 : FROM x"
    assert len(said) == 2
    assert len(said[1]) == 120


def test_a_failed_build_shows_its_last_twenty_lines() -> None:
    messages: list[dict[str, Any]] = [{"stream": f"line {at}\n"} for at in range(30)]
    with pytest.raises(BuildFailedError) as failure:
        follow([*messages, {"error": "non-zero code: 2"}], lambda _: None)
    assert "non-zero code: 2" in str(failure.value)
    assert "line 29" in str(failure.value)
    assert "line 10\n" in str(failure.value)
    assert "line 9\n" not in str(failure.value)
