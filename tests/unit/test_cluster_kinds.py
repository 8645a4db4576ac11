"""What a stack needs of its cluster beside Kubernetes itself: refused by name before anything is made."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.errors import HostError, KitError
from ops import cluster, decide, keys, lifecycle, paths, runner, stack_settings, trust
from stacks.kubernetes_needs import Need, needs_of
from stacks.parsing import parse
from stacks.settings import StackSettings
from tests.rehearsal_kubernetes import apiserver
from tests.rehearsal_kubernetes.apiserver import ApiServer, serving
from tests.rehearsal_kubernetes.conftest import kubeconfig

STACK, MODEL = "unit", "smollm2-135m-instruct"
BY_DEMAND = {"name": MODEL, "contextLength": 1024, "concurrency": 2, "scaling": {"maxReplicas": 2}}
FIXED = {**BY_DEMAND, "scaling": {"minReplicas": 2, "maxReplicas": 2}}
KEDA = {"ScaledObject": ("scaledobjects", True), "TriggerAuthentication": ("triggerauthentications", True)}


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with serving() as found:
        yield found


def config(folder: Path, server: str, model: dict[str, Any], **changes: Any) -> dict[str, Any]:
    where = folder / "kubeconfig"
    where.write_text(kubeconfig(server))
    return {
        "target": "kubernetes", "models": [model], "keys": [{"id": "a"}], "modelSource": "pypi",
        "kubernetes": {"images": {"tag": "1"}, "kubeconfig": str(where)}, **changes,
    }  # fmt: skip


def settings(*given: Any, **changes: Any) -> StackSettings:
    return parse(config(*given, **changes), {"a": "slm-key"})


def check(found: StackSettings) -> None:
    cluster.check_kinds(runner.Rehearsal(STACK), found)


def test_scaling_by_demand_without_keda_names_the_model_the_kinds_and_both_ways_out(
    api: ApiServer, tmp_path: Path
) -> None:
    asking = {"kedaNamespace": "scalers"}
    with pytest.raises(KitError) as refused:
        check(settings(tmp_path, api.url, BY_DEMAND, autoscaling=asking))
    assert refused.value.value == f"scaling of model {MODEL}"
    assert "no ScaledObject and no TriggerAuthentication of keda.sh/v1alpha1" in refused.value.limit
    assert "helm install keda keda --repo" in refused.value.next_step
    assert "--namespace scalers" in refused.value.next_step
    assert "slm-kit:autoscaling.keda to false" in refused.value.next_step
    assert {each.method for each in api.requests} == {"GET"}


def test_what_is_half_installed_is_missing_what_is_missing(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = {"ScaledObject": KEDA["ScaledObject"]}
    monkeypatch.setitem(apiserver.KINDS, "/apis/keda.sh/v1alpha1", half)
    with pytest.raises(KitError, match="serves no TriggerAuthentication of"):
        check(settings(tmp_path, api.url, BY_DEMAND))


def test_all_that_is_missing_is_told_at_once(api: ApiServer, tmp_path: Path) -> None:
    with pytest.raises(KitError) as refused:
        check(settings(tmp_path, api.url, BY_DEMAND, autoscaling={"recommendations": True}))
    said = str(refused.value)
    assert "KEDA" in said
    assert "no VerticalPodAutoscaler of autoscaling.k8s.io/v1" in said
    assert "slm-kit:autoscaling.recommendations" in said


def test_a_cluster_that_has_it_is_fine(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(apiserver.KINDS, "/apis/keda.sh/v1alpha1", KEDA)
    check(settings(tmp_path, api.url, BY_DEMAND))


@pytest.mark.parametrize(
    ("model", "autoscaling"), [(FIXED, {}), (BY_DEMAND, {"keda": False}), ({"name": MODEL}, {})]
)
def test_a_stack_that_needs_nothing_more_asks_nobody(
    api: ApiServer, tmp_path: Path, model: dict[str, Any], autoscaling: dict[str, Any]
) -> None:
    check(settings(tmp_path, api.url, model, autoscaling=autoscaling))
    assert api.requests == []


def test_a_cluster_that_does_not_answer_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rehearsal.kubernetes_backend.connection.TRIES", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(HostError, match=f"no Kubernetes API server answers at http://127.0.0.1:{port}"):
        check(settings(tmp_path, f"http://127.0.0.1:{port}", BY_DEMAND))


def test_a_login_that_only_the_provider_can_do_is_left_to_the_update(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = settings(tmp_path, "https://api.example", BY_DEMAND)
    (tmp_path / "kubeconfig").write_text(
        kubeconfig("https://api.example", {"username": "u", "password": "p"})
    )
    check(found)
    said = capsys.readouterr()
    assert "not asked whether the cluster has KEDA" in said.out + said.err


class Untouched(runner.Rehearsal):
    """A runner that must not be told anything of the program."""

    def show(self, verb: str, *_: str) -> None:
        raise AssertionError(f"{verb} was run")


@pytest.mark.parametrize("verb", ["up", "preview"])
def test_up_and_preview_refuse_before_anything_is_made(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for module in (decide, paths, stack_settings):
        monkeypatch.setattr(module, "stack_file", lambda _: tmp_path / f"Pulumi.{STACK}.yaml")
    monkeypatch.setattr(keys, "show", lambda *_: "slm-key")
    monkeypatch.setattr(trust, "find", lambda: trust.Trust("", {}))
    monkeypatch.setattr(runner, "Rehearsal", Untouched)
    written = {
        **config(tmp_path, api.url, BY_DEMAND), "runner": "rehearsal",
        "keySecrets": {"a": {"secure": "x"}}, "passwords": {"monitoring": {"secure": "x"}},
    }  # fmt: skip
    named = {f"slm-kit:{key}": value for key, value in written.items()}
    (tmp_path / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": named}))
    with pytest.raises(KitError, match="needs KEDA"):
        getattr(lifecycle, verb)(STACK, *([None] if verb == "up" else []))


def test_a_need_says_which_setting_wants_it_and_what_to_do(tmp_path: Path) -> None:
    found = needs_of(settings(tmp_path, "http://x", BY_DEMAND, autoscaling={"recommendations": True}))
    assert [need.api_version for need in found] == ["keda.sh/v1alpha1", "autoscaling.k8s.io/v1"]
    assert all(isinstance(need, Need) and need.wanted_by and need.next_step for need in found)


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("loadBalancer", {"host": "models.example.com", "ranges": ["203.0.113.0/24"]}),
        (
            "ingress",
            {"host": "models.example.com", "className": "nginx", "controllerNamespace": "ingress-nginx"},
        ),
    ],
)
def test_a_certificate_of_an_issuer_needs_cert_manager_and_a_secret_does_not(
    tmp_path: Path, name: str, way: dict[str, object]
) -> None:
    def found(**certificate: str) -> tuple[Need, ...]:
        cluster = {"images": {"tag": "1"}, name: {**way, **certificate}}
        return needs_of(settings(tmp_path, "http://x", FIXED, kubernetes=cluster))

    (need,) = found(clusterIssuer="letsencrypt")
    assert (need.api_version, need.wanted_by) == ("cert-manager.io/v1", f"kubernetes.{name}")
    assert "tlsSecret" in need.next_step
    assert found(tlsSecret="models-tls") == ()
