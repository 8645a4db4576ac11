"""What the clusters of sites lack is refused by the sites' names before anything is made at any."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.errors import KitError
from ops import decide, edge, keys, paths, runner
from ops.tls_secret import KEYS, TYPE
from tests.rehearsal_kubernetes import apiserver
from tests.rehearsal_kubernetes.apiserver import ApiServer, serving
from tests.rehearsal_kubernetes.conftest import kubeconfig
from tests.unit.test_image_volumes import answering

STACK = "unit"
INGRESS = {
    "host": "models.example.com",
    "className": "traefik",
    "controllerNamespace": "kube-system",
    "clusterIssuer": "ours",
}
CERTIFICATE = {"Certificate": ("certificates", True)}


class Untouched(runner.Rehearsal):
    """A runner that must not be told anything of the program."""

    def show(self, verb: str, *_: str) -> None:
        raise AssertionError(f"{verb} was run")


class Ran(runner.Rehearsal):
    """A runner whose sites are up."""

    def show(self, verb: str, *_: str) -> None:
        """Nothing is left to do."""

    def outputs(self) -> dict[str, Any]:
        site = {"endpoint": "https://models.example.com/v1", "models": ["smollm2"]}
        return {"sites": {"plant": {**site, "address": "203.0.113.10"}, "shop": site}}


@pytest.fixture
def apis() -> Iterator[tuple[ApiServer, ApiServer]]:
    with serving() as first, serving() as second:
        yield first, second


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (decide, paths):
        monkeypatch.setattr(module, "stack_file", lambda _: tmp_path / f"Pulumi.{STACK}.yaml")
    monkeypatch.setattr(runner, "Rehearsal", Untouched)
    monkeypatch.setattr("rehearsal.kubernetes_backend.connection.TRIES", 1)
    return tmp_path


def write(folder: Path, servers: dict[str, str], **where: Any) -> None:
    """A stack of these sites, all alike."""
    sites = []
    for name, server in servers.items():
        (folder / name).write_text(kubeconfig(server))
        cluster = {"kubeconfig": str(folder / name), "images": {"tag": "1"}, **where}
        model = {"name": "smollm2-135m-instruct", "engine": "onnx", "contextLength": 1024}
        site = {"name": name, "hardware": "cpu-8", "location": "here", "keys": [{"id": name}]}
        sites.append({**site, "models": [model], "kubernetes": cluster})
    config = {"target": "edge", "runner": "rehearsal", "modelSource": "pypi", "images": "build"}
    named = {f"slm-kit:{key}": value for key, value in {**config, "sites": sites}.items()}
    (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": named}))


def check() -> None:
    edge.check_clusters(STACK, edge.plans(STACK))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize("verb", ["up", "preview"])
def test_all_sites_that_lack_something_are_named_at_once_before_anything_is_made(
    folder: Path, apis: tuple[ApiServer, ApiServer], verb: str
) -> None:
    write(folder, {"plant": apis[0].url, "shop": apis[1].url}, ingress=INGRESS)
    before = (folder / f"Pulumi.{STACK}.yaml").read_text()
    with pytest.raises(KitError) as refused:
        getattr(edge, verb)(STACK, *([None] if verb == "up" else []))
    wanted = "kubernetes.ingress"
    assert refused.value.value == f"site plant: {wanted}; site shop: {wanted}"
    assert str(refused.value).count("needs cert-manager, and the cluster serves no Certificate") == 1
    assert refused.value.next_step.count("Install it") == 1
    assert refused.value.exit_code == 2
    assert (folder / f"Pulumi.{STACK}.yaml").read_text() == before, "no key, no runner"
    assert {each.method for api in apis for each in api.requests} == {"GET"}


def test_a_site_that_is_away_or_fails_while_it_is_asked_holds_up_no_other(
    folder: Path,
    apis: tuple[ApiServer, ApiServer],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(apiserver.KINDS, "/apis/cert-manager.io/v1", CERTIFICATE)
    # One speaks no TLS, and it is asked for it.
    speechless = apis[1].url.replace("http://", "https://")
    away = f"http://127.0.0.1:{free_port()}"
    write(folder, {"away": away, "plant": apis[0].url, "shop": speechless}, ingress=INGRESS)
    check()
    said = capsys.readouterr().err
    assert "site shop: not asked what its cluster has: " in said
    assert "site plant" not in said
    assert "site away" not in said
    assert apis[0].requests


def test_sites_that_need_nothing_more_are_not_asked(folder: Path, apis: tuple[ApiServer, ApiServer]) -> None:
    secret = {"tlsSecret": "ours", "clusterIssuer": None}
    write(folder, {"plant": apis[0].url}, ingress={**INGRESS, **secret})
    check()
    assert apis[0].requests == []


def test_a_site_without_the_secret_that_its_gateway_ends_tls_with_is_refused_with_its_name(
    folder: Path, apis: tuple[ApiServer, ApiServer]
) -> None:
    door = {"host": "models.example.com", "tlsSecret": "ours", "ranges": ["203.0.113.0/24"]}
    write(folder, {"plant": apis[0].url, "shop": apis[1].url}, loadBalancer=door)
    for api, name in zip(apis, ("plant", "shop"), strict=True):
        space = f"slm-{STACK}-{name}"
        api.objects[f"/api/v1/namespaces/{space}"] = {"metadata": {"name": space}}
    held = {"metadata": {"name": "ours"}, "type": TYPE, "data": dict.fromkeys(KEYS, "eA==")}
    apis[0].objects[f"/api/v1/namespaces/slm-{STACK}-plant/secrets/ours"] = held
    with pytest.raises(KitError, match=r"site shop: .*tlsSecret 'ours': .*slm-unit-shop") as refused:
        check()
    assert "site plant" not in str(refused.value)
    assert f"kubectl --kubeconfig {folder}/shop --namespace slm-{STACK}-shop" in refused.value.next_step


def test_nodes_of_a_site_that_cannot_mount_models_are_refused_with_its_name(
    folder: Path, apis: tuple[ApiServer, ApiServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(folder, monkeypatch, "36", "containerd://1.7.24")
    write(folder, {"plant": apis[0].url}, modelImages={})
    with pytest.raises(KitError, match=r"site plant: nodes: node-0 has containerd://1\.7\.24"):
        check()
    assert f"--kubeconfig {folder}/plant " in asked.read_text()


def test_what_is_said_of_a_sites_nodes_begins_with_its_name(
    folder: Path,
    apis: tuple[ApiServer, ApiServer],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answering(folder, monkeypatch, "34", "containerd://2.2.0")
    write(folder, {"plant": apis[0].url}, modelImages={})
    check()
    assert "site plant: Kubernetes v1.34.2: volumes of images need" in capsys.readouterr().err


def test_up_shows_where_the_name_of_a_sites_load_balancer_is_to_lead(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(runner, "Rehearsal", Ran)
    monkeypatch.setattr(keys, "ensure", lambda _: None)
    write(folder, {"plant": "http://127.0.0.1:9"})
    edge.up(STACK, None)
    plant, shop = capsys.readouterr().out.splitlines()
    assert plant.split(maxsplit=1) == [
        "plant",
        "https://models.example.com/v1 (lead its name to 203.0.113.10)  smollm2",
    ]
    assert shop.split(maxsplit=1) == ["shop", "https://models.example.com/v1  smollm2"]
