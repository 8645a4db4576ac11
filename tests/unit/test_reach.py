"""Sites are asked whether they answer: those that do not are told apart within seconds."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from stacks import reach
from stacks.edge_settings import SiteSettings

MODELS = [{"name": "smollm2-135m-instruct"}]
HTTP = b"HTTP/1.1 %d OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def site(name: str, **how: object) -> SiteSettings:
    """A site that is reached in this way."""
    rest = {"hardware": "cpu-2", "location": "here", "models": MODELS, "keys": [{"id": name}]}
    return SiteSettings.model_validate({"name": name, **rest, **how})


def on_docker(name: str, host: str) -> SiteSettings:
    return site(name, docker={"host": host})


def on_kubernetes(name: str, kubeconfig: Path, **more: object) -> SiteSettings:
    return site(name, kubernetes={"kubeconfig": str(kubeconfig), "images": {"tag": "1"}, **more})


def kubeconfig(folder: Path, name: str, server: str, **cluster: str) -> Path:
    path = folder / f"{name}.yaml"
    content = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
    }
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def port() -> Iterator[int]:
    """A port that something listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def engine(path: Path, status: int) -> threading.Thread:
    """Something that answers one request on a socket, as a Docker engine answers a ping."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()

    def answer() -> None:
        with server, server.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(HTTP % status)

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


def test_a_site_that_answers_is_not_named(tmp_path: Path, port: int) -> None:
    thread = engine(tmp_path / "docker.sock", 200)
    sites = [
        on_docker("engine", f"unix://{tmp_path}/docker.sock"),
        on_kubernetes("node", kubeconfig(tmp_path, "node", f"https://127.0.0.1:{port}")),
    ]
    assert reach.unreachable(sites) == {}
    thread.join()


def test_each_site_that_does_not_answer_is_named_with_what_was_tried(tmp_path: Path, closed: int) -> None:
    thread = engine(tmp_path / "ill.sock", 500)
    sites = [
        on_docker("engine", f"unix://{tmp_path}/none.sock"),
        on_docker("ill", f"unix://{tmp_path}/ill.sock"),
        on_kubernetes("node", kubeconfig(tmp_path, "node", f"https://127.0.0.1:{closed}")),
        on_kubernetes("none", tmp_path / "none.yaml"),
        on_kubernetes("other", kubeconfig(tmp_path, "other", "https://127.0.0.1"), context="theirs"),
    ]
    found = reach.unreachable(sites)
    thread.join()
    assert list(found) == ["engine", "ill", "node", "none", "other"]
    assert f"no Docker engine listens at {tmp_path}/none.sock" in found["engine"]
    assert "answers 500" in found["ill"]
    assert f"no API server answers at 127.0.0.1:{closed}" in found["node"]
    assert "none.yaml: No such file" in found["none"]
    assert "context theirs" in found["other"]


@pytest.mark.parametrize("name", ["a" * 64, "plant..example"])
def test_a_site_whose_server_has_no_possible_name_holds_up_no_other(
    tmp_path: Path, port: int, name: str
) -> None:
    sites = [
        on_kubernetes("odd", kubeconfig(tmp_path, "odd", f"https://{name}")),
        on_kubernetes("node", kubeconfig(tmp_path, "node", f"https://127.0.0.1:{port}")),
    ]
    found = reach.unreachable(sites)
    assert list(found) == ["odd"]
    assert f"no API server answers at {name}:443" in found["odd"]


def test_a_proxy_in_front_of_the_api_server_is_what_must_answer(tmp_path: Path, port: int) -> None:
    path = kubeconfig(
        tmp_path, "node", "https://kubernetes.invalid", **{"proxy-url": f"http://127.0.0.1:{port}"}
    )
    assert reach.unreachable([on_kubernetes("node", path)]) == {}


@pytest.mark.skipif(not shutil.which("ssh"), reason="there is no ssh on PATH")
def test_a_machine_that_ssh_does_not_reach_is_named_with_its_words(closed: int) -> None:
    found = reach.unreachable([on_docker("shop", f"ssh://kit@127.0.0.1:{closed}")])
    assert "kit@127.0.0.1" in found["shop"]
    assert "refused" in found["shop"]


def test_sites_are_asked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "SECONDS", 1)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        sites = [on_docker(f"shop-{index}", f"unix://{tmp_path}/silent.sock") for index in range(20)]
        begun = time.monotonic()
        found = reach.unreachable(sites)
    assert len(found) == 20
    assert time.monotonic() - begun < 10
