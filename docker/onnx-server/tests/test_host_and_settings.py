"""The command line and what is read from the machine."""

import os
import subprocess
import sys
from pathlib import Path

import onnx_server
import pytest
from onnx_server import cli, host
from onnx_server.settings import parse_settings

PACKAGE_PARENT = Path(onnx_server.__file__).parents[1]


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3.0),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_the_cpu_quota_is_read_from_both_versions_of_cgroups(
    tmp_path: Path, files: dict[str, str], quota: float | None
) -> None:
    write(tmp_path, files)
    assert host.cpu_quota(tmp_path) == quota


def test_threads_are_physical_cores_within_the_quota_and_at_least_one(tmp_path: Path) -> None:
    cpu, cgroup = tmp_path / "cpu", tmp_path / "cgroup"
    allowed = os.sched_getaffinity(0)
    for number in allowed:  # every processor is a second thread of core 0
        topology = {"core_id": "0", "physical_package_id": "0"}
        write(cpu / f"cpu{number}/topology", topology)
    assert host.default_threads(cgroup=cgroup, cpu=cpu) == 1
    assert host.default_threads(cgroup=cgroup, cpu=tmp_path / "none") == len(allowed)
    write(cgroup, {"cpu.max": "50000 100000"})
    assert host.default_threads(cgroup=cgroup, cpu=tmp_path / "none") == 1


def test_the_memory_limit_is_the_containers_or_the_machines(tmp_path: Path) -> None:
    machine = host.memory_limit(tmp_path)
    assert machine > 1 << 28
    write(tmp_path, {"memory/memory.limit_in_bytes": str(2**63 - 4096)})
    assert host.memory_limit(tmp_path) == machine
    write(tmp_path, {"memory.max": "104857600"})
    assert host.memory_limit(tmp_path) == 104857600


@pytest.mark.usefixtures("own_logging")
def test_slots_that_could_exceed_the_memory_limit_are_refused_with_numbers(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(host, "memory_limit", lambda: 150 << 20)
    arguments = ["--model", str(tiny_model), "--allow-unverified", "--slots", "256"]
    assert cli.main(arguments) == 3
    error = capfd.readouterr().err
    assert "256 slots of 512 tokens may need 164 MiB, the limit is 150 MiB" in error


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--slots", "0"),
        ("--slots", "257"),
        ("--port", "65536"),
        ("--queue", "-1"),
        ("--threads", "two"),
        ("--drain-seconds", "1.5"),
        ("--context-length", "٣"),
        ("--model", "/nowhere"),
        ("--served-name", "a\nb"),
        ("--unknown", "1"),
    ],
)
def test_a_wrong_option_is_refused_with_exit_code_2_and_named(
    tmp_path: Path, option: str, value: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_settings(["--model", str(tmp_path), option, value])
    assert caught.value.code == 2
    assert option in capfd.readouterr().err


def test_the_served_name_is_the_folders_name_by_default(tmp_path: Path) -> None:
    assert parse_settings(["--model", str(tmp_path)]).served_name == tmp_path.name


def test_the_runtime_is_started_without_its_usage_reports(tiny_model: Path, tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from onnx_server.core.model import load_info;"
        "from onnx_server.core.runner import Runner;"
        f"Runner(load_info(Path({str(tiny_model)!r})), slots=1, context_length=16, chunk=4,"
        " threads=1).warm_up()"
    )
    kept = {k: v for k, v in os.environ.items() if k not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    homes = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={**kept, **homes, "PYTHONPATH": str(PACKAGE_PARENT)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert list(tmp_path.rglob("*")) == [], "it keeps a device id on disk before it reports"
    assert result.stderr == ""
