"""The whole life of objects on a real API server."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.backend import UNKNOWN, ResourceFailedError
from rehearsal.kubernetes_backend import KubernetesBackend, Settings
from tests.rehearsal_kubernetes.conftest import (
    CLAIM,
    CONFIG_MAP,
    NAMESPACE,
    SECRET,
    SERVICE,
    Hands,
)

QUOTA = "kubernetes:core/v1:ResourceQuota"
DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
Patch = Callable[[str, dict[str, Any]], None]


def _space(hands: Hands) -> str:
    return str(hands.check(CONFIG_MAP, "x")["metadata"]["namespace"])


def test_a_config_map_is_made_previewed_changed_refreshed_and_deleted(
    on_cluster: Hands, somebody_else: Patch
) -> None:
    backend = on_cluster.backend
    made = on_cluster.create(CONFIG_MAP, "settings", data={"a": "1", "b": "2"})
    assert on_cluster.refreshed(CONFIG_MAP, made) == made
    assert backend.diff(CONFIG_MAP, made, made.inputs).changed == ()
    path = f"/api/v1/namespaces/{_space(on_cluster)}/configmaps/{made.id.split('/')[1]}"
    somebody_else(path, {"data": {"a": "changed", "foreign": "x"}, "metadata": {"labels": {"their": "own"}}})
    seen = on_cluster.refreshed(CONFIG_MAP, made)
    assert seen is not None
    assert seen.inputs["data"] == {"a": "changed", "b": "2"}
    wanted = {**made.inputs, "data": {"a": "3"}}
    assert backend.preview(CONFIG_MAP, wanted)["data"] == {"a": "3", "foreign": "x"}
    changed = backend.update(CONFIG_MAP, seen, wanted, on_cluster.said.append)
    assert changed.outputs["data"] == {"a": "3", "foreign": "x"}
    assert changed.outputs["metadata"]["labels"]["their"] == "own"
    on_cluster.delete(CONFIG_MAP, changed)
    on_cluster.delete(CONFIG_MAP, changed)
    assert on_cluster.refreshed(CONFIG_MAP, changed) is None


def test_a_secrets_text_comes_back_and_a_key_that_is_left_out_goes(on_cluster: Hands) -> None:
    made = on_cluster.create(SECRET, "keys", stringData={"one": "hunter2", "two": "swordfish"})
    assert on_cluster.refreshed(SECRET, made) == made
    fewer = {**made.inputs, "stringData": {"one": "hunter2"}}
    on_cluster.backend.update(SECRET, made, fewer, on_cluster.said.append)
    seen = on_cluster.refreshed(SECRET, made)
    assert seen is not None
    assert seen.inputs["stringData"] == {"one": "hunter2"}
    assert "data" not in seen.outputs


def test_a_secret_that_the_server_refuses_shows_no_value(on_cluster: Hands) -> None:
    inputs = on_cluster.check(SECRET, "keys", stringData={"not a key": "hunter2"})
    with pytest.raises(ResourceFailedError, match="Invalid") as failure:
        on_cluster.backend.preview(SECRET, inputs)
    assert "hunter2" not in str(failure.value)


def test_a_preview_finds_a_misspelled_field_and_an_impossible_value_and_makes_nothing(
    on_cluster: Hands,
) -> None:
    for spec, named in (
        ({"clusterIP": "None", "selectors": {"a": "b"}}, "selectors"),
        ({"clusterIP": "None", "ports": [{"port": 99999999}]}, "99999999"),
    ):
        inputs = on_cluster.check(SERVICE, "web", metadata={"name": "web"}, spec=spec)
        with pytest.raises(ResourceFailedError, match=named):
            on_cluster.backend.preview(SERVICE, inputs)
    good = on_cluster.check(SERVICE, "web", metadata={"name": "web"}, spec={"ports": [{"port": 80}]})
    outputs = on_cluster.backend.preview(SERVICE, good)
    assert outputs["spec"]["ports"][0]["protocol"] == "TCP"
    assert outputs["spec"]["clusterIP"] == UNKNOWN
    assert on_cluster.backend.find(SERVICE, good) is None


def test_a_preview_in_a_namespace_that_is_not_there_yet_gives_the_inputs(on_cluster: Hands) -> None:
    inputs = on_cluster.check(CONFIG_MAP, "x", metadata={"namespace": f"absent-{uuid.uuid4().hex}"})
    assert on_cluster.backend.preview(CONFIG_MAP, inputs) == inputs


def test_a_fixed_name_is_replaced_after_a_preview_that_the_old_object_does_not_spoil(
    on_cluster: Hands,
) -> None:
    backend = on_cluster.backend
    made = on_cluster.create(CONFIG_MAP, "fixed", metadata={"name": "fixed"}, data={"a": "1"}, immutable=True)
    wanted = {**made.inputs, "data": {"a": "2"}}
    assert backend.diff(CONFIG_MAP, made, wanted).delete_before_replace
    assert backend.preview(CONFIG_MAP, wanted)["data"] == {"a": "2"}
    on_cluster.delete(CONFIG_MAP, made)
    again = backend.create(CONFIG_MAP, "urn", wanted, on_cluster.said.append)
    assert again.outputs["metadata"]["uid"] != made.outputs["metadata"]["uid"]
    on_cluster.delete(CONFIG_MAP, made)  # the former object: the new one stays
    assert on_cluster.refreshed(CONFIG_MAP, again) == again
    on_cluster.delete(CONFIG_MAP, again)


def test_an_object_of_somebody_else_is_left_alone(on_cluster: Hands) -> None:
    name = {"name": "kube-root-ca.crt"}
    id_ = f"{_space(on_cluster)}/{name['name']}"
    end = time.monotonic() + 30
    while on_cluster.backend.read(CONFIG_MAP, id_, {}) is None and time.monotonic() < end:
        time.sleep(0.2)
    with pytest.raises(ResourceFailedError, match="exists already"):
        on_cluster.create(CONFIG_MAP, "x", metadata=name)


def test_a_claim_is_made_without_a_pod_that_asks_for_it(on_cluster: Hands) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1048576Ki"}}}
    made = on_cluster.create(CLAIM, "kept", metadata={"name": "kept"}, spec=spec)
    seen = on_cluster.refreshed(CLAIM, made)
    assert seen is not None
    assert seen.inputs == made.inputs


def test_a_quota_is_counted_before_anything_is_made_under_it(on_cluster: Hands) -> None:
    made = on_cluster.create(QUOTA, "quota", spec={"hard": {"configmaps": "0"}})
    assert made.outputs["status"]["used"].keys() == {"configmaps"}
    with pytest.raises(ResourceFailedError, match="exceeded quota"):
        on_cluster.create(CONFIG_MAP, "x")


def test_a_custom_resource_can_be_made_as_soon_as_its_definition_is(on_cluster: Hands) -> None:
    group = f"{_space(on_cluster)}.example.org"
    spec = {"type": "object", "properties": {"size": {"type": "integer"}}}
    schema = {"type": "object", "properties": {"spec": spec}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget"}
    token = f"kubernetes:{group}/v1:Widget"
    early = on_cluster.check(token, "w", spec={"size": 1})
    assert on_cluster.backend.preview(token, early) == early
    on_cluster.create(
        DEFINITION,
        "widgets",
        metadata={"name": f"widgets.{group}"},
        spec={"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    )
    made = on_cluster.create(token, "w", spec={"size": 1})
    assert on_cluster.refreshed(token, made) == made
    with pytest.raises(ResourceFailedError, match="sise"):
        on_cluster.backend.preview(token, on_cluster.check(token, "w", spec={"sise": 1}))


def test_a_namespace_goes_with_everything_in_it(cluster_config: Any) -> None:
    name = f"rehearsal-test-{uuid.uuid4().hex[:8]}"
    outer = KubernetesBackend(Settings(kubeconfig=str(cluster_config)))
    hands = Hands(outer, {"rehearsal-test": name})
    space = hands.create(NAMESPACE, "space", metadata={"name": name})
    inside = hands.create(CONFIG_MAP, "x", metadata={"namespace": name})
    hands.delete(NAMESPACE, space)
    assert hands.refreshed(CONFIG_MAP, inside) is None
    hands.delete_all()
    outer.close()
