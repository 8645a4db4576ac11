"""What is asked of a cluster before models are mounted from images, and what is refused."""

import json
from pathlib import Path

import pytest

from catalog.errors import KitError
from ops import image_volumes
from ops.kubectl import Kubectl

CONTROL = Kubectl("default", Path("/etc/kubeconfig"), "edge")


def answering(folder: Path, monkeypatch: pytest.MonkeyPatch, minor: str, *runtimes: str) -> Path:
    """A kubectl that tells of a server and of nodes with these runtimes."""
    nodes = [
        {
            "metadata": {"name": f"node-{index}"},
            "status": {"nodeInfo": {"containerRuntimeVersion": each}},
        }
        for index, each in enumerate(runtimes)
    ]
    server = {"serverVersion": {"major": "1", "minor": minor, "gitVersion": f"v1.{minor}.2"}}
    return program(
        folder,
        monkeypatch,
        f"""case "$*" in
          *" version "*) echo '{json.dumps(server)}';;
          *" get nodes "*) echo '{json.dumps({"items": nodes})}';;
        esac""",
    )


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Path:
    """A kubectl that writes down what it is asked."""
    (folder / "kubectl").write_text(f'#!/bin/sh\necho "$*" >>"{folder}/asked"\n{body}\n')
    (folder / "kubectl").chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "asked"


@pytest.mark.parametrize(
    ("minor", "runtimes", "words"),
    [
        ("32", ("containerd://2.1.4",), r"Kubernetes v1\.32\.2 of the cluster: volumes of images need 1\.35"),
        (
            "36",
            ("containerd://1.7.24", "docker://29.1.0"),
            r"node-0 has containerd://1\.7\.24, node-1 has docker",
        ),
        ("36", ("containerd://2.0.5",), r"containerd 2\.1, or CRI-O"),
    ],
)
def test_what_is_too_old_is_refused_with_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minor: str, runtimes: tuple[str, ...], words: str
) -> None:
    answering(tmp_path, monkeypatch, minor, *runtimes)
    with pytest.raises(KitError, match=words):
        image_volumes.check(CONTROL)


@pytest.mark.parametrize(
    ("minor", "runtimes", "said"),
    [
        ("35", ("containerd://2.1.4", "cri-o://1.35.0"), ""),
        ("36+", (), ""),
        ("34", ("containerd://2.2.0",), "v1.34.2: volumes of images need its feature gate ImageVolume"),
        (
            "36",
            ("containerd://2.1.4", "containerd://1.7.24"),
            "some nodes (containerd 2.1 is needed): node-1",
        ),
    ],
)
def test_what_may_work_goes_on_and_says_what_is_to_be_known(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    minor: str,
    runtimes: tuple[str, ...],
    said: str,
) -> None:
    asked = answering(tmp_path, monkeypatch, minor, *runtimes)
    image_volumes.check(CONTROL)
    assert "--kubeconfig /etc/kubeconfig --context edge" in asked.read_text()
    heard = capsys.readouterr().err
    assert said in heard
    assert bool(heard) == bool(said)


def test_a_cluster_that_cannot_be_asked_is_left_to_the_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program(tmp_path, monkeypatch, 'echo "Unable to connect to the server" >&2; exit 1')
    image_volumes.check(CONTROL)
    assert "not asked whether nodes can mount images: kubectl version: Unable" in capsys.readouterr().err


def test_without_kubectl_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    image_volumes.check(CONTROL)
    assert "no kubectl here" in capsys.readouterr().err
