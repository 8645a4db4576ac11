"""Which change replaces an object, and which replacement must delete first."""

from typing import Any

import pytest

from rehearsal.backend import UNKNOWN, Diff, Existing
from rehearsal.kubernetes_backend import KubernetesBackend, Settings
from rehearsal.paths import parse_path, with_at, without
from tests.rehearsal_kubernetes.apiserver import ApiServer
from tests.rehearsal_kubernetes.conftest import (
    CLAIM,
    CONFIG_MAP,
    DEPLOYMENT,
    JOB,
    NAMESPACE,
    SECRET,
    SERVICE,
    Hands,
    kubeconfig,
)

POD = "kubernetes:core/v1:Pod"


def _with(path: str, value: Any, base: dict[str, Any] | None = None) -> dict[str, Any]:
    """Inputs with a value at a path; None is nothing there."""
    parts = parse_path(path)
    return dict(without(base or {}, parts) if value is None else with_at(base or {}, parts, value))


def _diff(backend: KubernetesBackend, token: str, old: dict[str, Any], new: dict[str, Any]) -> Diff:
    named = {"name": "x", **({} if token == NAMESPACE else {"namespace": "space"})}

    def checked(inputs: dict[str, Any], former: dict[str, Any] | None) -> dict[str, Any]:
        metadata = inputs.get("metadata", {})
        given = metadata if metadata == UNKNOWN else {**named, **metadata}
        return backend.check(token, "x", {**inputs, "metadata": given}, former)

    before = checked(old, None)
    after = checked(new, before)
    id_ = "x" if token == NAMESPACE else "space/x"
    return backend.diff(token, Existing(id_, {}, before), after)


@pytest.mark.parametrize(
    ("token", "path", "old", "new"),
    [
        (DEPLOYMENT, "spec.selector.matchLabels.a", "1", "2"),
        (JOB, "spec.template.spec.containers[0].image", "a", "b"),
        (SERVICE, "spec.clusterIP", "None", None),
        (CLAIM, "spec.accessModes[0]", "ReadWriteOnce", "ReadWriteMany"),
        (CONFIG_MAP, "data.a", "1", "2"),
        (CONFIG_MAP, "data", {"a": "1"}, None),
        (SECRET, "stringData.a", "1", "2"),
        (SECRET, "type", "Opaque", "kubernetes.io/tls"),
        (CONFIG_MAP, "metadata.namespace", "space", "other"),
        (DEPLOYMENT, "metadata.name", "x", "y"),
        (POD, "spec.nodeName", "a", "b"),
    ],
)
def test_a_change_that_the_server_would_refuse_replaces(
    wire: Hands, token: str, path: str, old: Any, new: Any
) -> None:
    found = _diff(wire.backend, token, _with(path, old), _with(path, new, _with(path, old)))
    assert found.replace == (path,)
    assert found.changed == (path,)


@pytest.mark.parametrize(
    ("token", "path", "old", "new"),
    [
        (DEPLOYMENT, "spec.replicas", 1, 2),
        (DEPLOYMENT, "spec.paused", False, 0),
        (JOB, "spec.suspend", True, False),
        (SERVICE, "spec.ports", None, [{"port": 1}]),
        (CLAIM, "spec.resources.requests.storage", "1Gi", "2Gi"),
        (CONFIG_MAP, "metadata.labels.a", "1", None),
        (NAMESPACE, "metadata.labels.a", "1", "2"),
    ],
)
def test_any_other_change_is_made_in_place(wire: Hands, token: str, path: str, old: Any, new: Any) -> None:
    start = _with("spec.other", 1) if path.startswith("spec") else {}
    before = _with(path, old, start)
    assert _diff(wire.backend, token, before, _with(path, new, before)) == Diff((path,), (), False)


def test_equal_inputs_are_no_change(wire: Hands) -> None:
    inputs = {"spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "a"}]}}}}
    assert _diff(wire.backend, DEPLOYMENT, inputs, inputs) == Diff()


def test_an_object_whose_name_is_given_must_go_before_its_successor(wire: Hands) -> None:
    assert _diff(wire.backend, CONFIG_MAP, {"data": {"a": "1"}}, {"data": {"a": "2"}}).delete_before_replace


def test_an_object_with_an_automatic_name_or_another_namespace_may_stay_beside_it(wire: Hands) -> None:
    before = wire.check(CONFIG_MAP, "x", data={"a": "1"})
    after = wire.backend.check(CONFIG_MAP, "x", {**before, "data": {"a": "2"}}, before)
    id_ = f"space/{before['metadata']['name']}"
    assert wire.backend.diff(CONFIG_MAP, Existing(id_, {}, before), after).delete_before_replace is False
    moved = {"metadata": {"name": "x", "namespace": "other"}}
    assert _diff(wire.backend, CONFIG_MAP, {}, moved).delete_before_replace is False


def test_a_mutable_config_map_or_secret_is_changed_in_place_unless_it_is_immutable(server: ApiServer) -> None:
    settings = Settings(kubeconfig=kubeconfig(server.url), mutable_config_maps=True, mutable_secrets=True)
    backend = KubernetesBackend(settings)
    for token, key in ((CONFIG_MAP, "data"), (SECRET, "stringData")):
        assert _diff(backend, token, {key: {"a": "1"}}, {key: {"a": "2"}}).replace == ()
        old, new = ({key: {"a": each}, "immutable": True} for each in ("1", "2"))
        assert _diff(backend, token, old, new).replace == (f"{key}.a",)
        assert _diff(backend, token, new, {key: {"a": "2"}}).replace == ("immutable",)
    backend.close()


def test_an_object_in_a_namespace_that_is_replaced_is_replaced_too(wire: Hands) -> None:
    assert _diff(wire.backend, CONFIG_MAP, {}, {"metadata": UNKNOWN}).replace == ("metadata",)


def test_an_unknown_spec_is_a_change_and_no_reason_to_replace(wire: Hands) -> None:
    found = _diff(wire.backend, DEPLOYMENT, {"spec": {"selector": {}}}, {"spec": UNKNOWN})
    assert found == Diff(("spec",), (), False)
    before = {"spec": {"selector": {"matchLabels": {"a": "1"}}, "template": {"name": "one"}}}
    after = {"spec": {"selector": {"matchLabels": {"a": "1"}}, "template": {"name": UNKNOWN}}}
    assert _diff(wire.backend, DEPLOYMENT, before, after) == Diff(("spec.template.name",), (), False)
