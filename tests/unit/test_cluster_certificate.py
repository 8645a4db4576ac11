"""The Secret that a gateway on a cluster ends TLS with: refused by name before a running gateway changes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.errors import HostError, KitError
from ops import cluster, decide, keys, lifecycle, paths, runner, stack_settings, trust
from stacks.parsing import parse
from tests.rehearsal_kubernetes.apiserver import ApiServer, serving
from tests.rehearsal_kubernetes.conftest import kubeconfig

STACK, NAMESPACE, SECRET = "unit", "slm-unit", "models-tls"
BALANCER = {"host": "models.example.com", "ranges": ["203.0.113.0/24"], "tlsSecret": SECRET}
PATH = f"/api/v1/namespaces/{NAMESPACE}/secrets/{SECRET}"
PRIVATE = "cHJpdmF0ZQ=="
GOOD = {"type": "kubernetes.io/tls", "data": {"tls.crt": "cHVibGlj", "tls.key": PRIVATE}}
CREATED = rf"--namespace {NAMESPACE} create secret tls {SECRET} --cert=fullchain\.pem --key=privkey\.pem`"


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with serving() as found:
        found.objects[f"/api/v1/namespaces/{NAMESPACE}"] = {"kind": "Namespace"}
        found.objects[PATH] = GOOD
        yield found


def config(folder: Path, server: str, **kubernetes: Any) -> dict[str, Any]:
    where = folder / "kubeconfig"
    where.write_text(kubeconfig(server))
    return {
        "target": "kubernetes", "keys": [{"id": "a"}], "modelSource": "pypi",
        "models": [{"name": "smollm2-135m-instruct", "contextLength": 1024}],
        "kubernetes": {
            "images": {"tag": "1"}, "kubeconfig": str(where), "loadBalancer": BALANCER, **kubernetes,
        },
    }  # fmt: skip


def check(folder: Path, server: str, **kubernetes: Any) -> None:
    found = parse(config(folder, server, **kubernetes), {"a": "slm-key"})
    cluster.check_certificate(runner.Rehearsal(STACK), found)


def test_a_secret_with_certificate_and_key_in_the_stacks_namespace_is_fine(
    api: ApiServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(tmp_path, api.url)
    assert PATH in [each.path for each in api.requests]
    assert {each.method for each in api.requests} == {"GET"}
    assert capsys.readouterr() == ("", "")


def test_it_is_looked_for_in_the_namespace_that_the_settings_name(api: ApiServer, tmp_path: Path) -> None:
    api.objects["/api/v1/namespaces/models"] = {"kind": "Namespace"}
    with pytest.raises(KitError, match="namespace models has no such Secret"):
        check(tmp_path, api.url, namespace="models")


def test_a_secret_that_is_not_there_is_refused_with_the_command_that_makes_it(
    api: ApiServer, tmp_path: Path
) -> None:
    del api.objects[PATH]
    with pytest.raises(KitError, match=rf"tlsSecret '{SECRET}': namespace {NAMESPACE} has no.*{CREATED}"):
        check(tmp_path, api.url)


def test_before_its_namespace_is_there_both_ways_to_it_are_said(api: ApiServer, tmp_path: Path) -> None:
    api.objects.clear()
    ways = rf"make up STACK={STACK}` without loadBalancer, or `kubectl .*create namespace {NAMESPACE}`; then"
    with pytest.raises(KitError, match=f"namespace {NAMESPACE} is not there yet.*{ways}.*{CREATED}"):
        check(tmp_path, api.url)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({**GOOD, "type": "Opaque"}, "it is of type Opaque"),
        ({**GOOD, "data": {"tls.key": PRIVATE}}, "it has no tls.crt,"),
        ({**GOOD, "data": {"tls.crt": "cHVibGlj", "tls.key": ""}}, "it has no tls.key,"),
        ({"type": "Opaque", "data": {"key.pem": PRIVATE}}, "it has no tls.crt and no tls.key"),
        ({"type": "kubernetes.io/tls"}, "it has no tls.crt and no tls.key"),
    ],
)
def test_another_kind_of_secret_is_refused_without_a_word_of_what_is_in_it(
    api: ApiServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], found: dict[str, Any], said: str
) -> None:
    api.objects[PATH] = found
    with pytest.raises(KitError, match=said) as refused:
        check(tmp_path, api.url)
    assert PRIVATE not in f"{refused.value}{capsys.readouterr()}"


def test_who_may_not_read_it_is_told_and_not_kept_from_the_update(
    api: ApiServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.fail(403, "Forbidden", "secrets is forbidden")
    check(tmp_path, api.url)
    assert f"not asked whether namespace {NAMESPACE} has the Secret {SECRET}" in capsys.readouterr().err


def test_a_server_that_fails_is_told_as_such(api: ApiServer, tmp_path: Path) -> None:
    api.fail(500, "InternalError", "etcd is away")
    with pytest.raises(HostError, match="etcd is away"):
        check(tmp_path, api.url)


@pytest.mark.parametrize(
    "way",
    [
        {"loadBalancer": {**{k: v for k, v in BALANCER.items() if k != "tlsSecret"}, "issuer": "ours"}},
        {"loadBalancer": None},
    ],
    ids=["issuer", "none"],
)
def test_without_a_secret_of_somebodys_own_nobody_is_asked(
    api: ApiServer, tmp_path: Path, way: dict[str, Any]
) -> None:
    check(tmp_path, api.url, **way)
    assert api.requests == []


class Untouched(runner.Rehearsal):
    """A runner that must not be told anything of the program."""

    def show(self, verb: str, *_: str) -> None:
        raise AssertionError(f"{verb} was run")


@pytest.mark.parametrize("verb", ["up", "preview"])
def test_up_and_preview_refuse_before_anything_changes(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    del api.objects[PATH]
    file = tmp_path / f"Pulumi.{STACK}.yaml"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for module in (decide, paths, stack_settings):
        monkeypatch.setattr(module, "stack_file", lambda _: file)
    monkeypatch.setattr(keys, "show", lambda *_: "slm-key")
    monkeypatch.setattr(trust, "find", lambda: trust.Trust("", {}))
    monkeypatch.setattr(runner, "Rehearsal", Untouched)
    written = {
        **config(tmp_path, api.url), "runner": "rehearsal",
        "keySecrets": {"a": {"secure": "x"}}, "passwords": {"monitoring": {"secure": "x"}},
    }  # fmt: skip
    file.write_text(yaml.safe_dump({"config": {f"slm-kit:{key}": value for key, value in written.items()}}))
    with pytest.raises(KitError, match=f"tlsSecret '{SECRET}'"):
        getattr(lifecycle, verb)(STACK, *([None] if verb == "up" else []))
    assert {each.method for each in api.requests} == {"GET"}
