"""What goes over the wire, and what errors say."""

import base64
import contextlib
import json

import pytest

from rehearsal.backend import Existing, ResourceFailedError
from rehearsal.kubernetes_backend import KubernetesBackend, Settings
from tests.rehearsal_kubernetes.apiserver import ApiServer
from tests.rehearsal_kubernetes.conftest import CONFIG_MAP, NAMESPACE, SECRET, Hands, kubeconfig

WIDGET = "kubernetes:example.org/v1:Widget"
PATH = "/api/v1/namespaces/space/configmaps/x"
NAMED = {"name": "x"}


def test_an_object_is_applied_strictly_under_the_rehearsals_name(wire: Hands, server: ApiServer) -> None:
    made = wire.create(CONFIG_MAP, "x", metadata=NAMED, data={"a": "1"})
    (sent,) = server.sent("PATCH")
    assert made.id == "space/x"
    assert sent.path == PATH
    assert sent.query == {"fieldManager": "slm-kit-rehearsal", "force": "true", "fieldValidation": "Strict"}
    assert sent.headers["content-type"] == "application/apply-patch+yaml"
    assert sent.headers["authorization"] == "Bearer t0ken"
    assert sent.body["data"] == {"a": "1"}
    assert "managedFields" not in made.outputs["metadata"]


def test_an_object_of_somebody_else_is_left_alone(wire: Hands, server: ApiServer) -> None:
    managers = [{"manager": "kubectl"}]
    server.objects[PATH] = {"metadata": {"name": "x", "uid": "1", "managedFields": managers}}
    inputs = wire.check(CONFIG_MAP, "x", metadata=NAMED)
    with pytest.raises(ResourceFailedError, match="exists already and was not made by this stack"):
        wire.backend.preview(CONFIG_MAP, inputs)
    with pytest.raises(ResourceFailedError, match="exists already and was not made by this stack"):
        wire.backend.create(CONFIG_MAP, "urn", inputs, wire.said.append)
    assert wire.backend.find(CONFIG_MAP, inputs) is None
    assert server.sent("PATCH") == []


def test_an_object_of_another_stack_is_left_alone_and_ones_own_is_found(wire: Hands) -> None:
    made = wire.create(CONFIG_MAP, "x", metadata=NAMED)
    assert wire.backend.find(CONFIG_MAP, made.inputs) == "space/x"
    other = Hands(wire.backend, {"stack": "b"})
    with pytest.raises(ResourceFailedError, match="exists already"):
        other.create(CONFIG_MAP, "x", metadata=NAMED)


def test_where_objects_are_taken_over_one_that_was_there_is_never_taken_for_a_leftover(
    server: ApiServer,
) -> None:
    settings = Settings(kubeconfig=kubeconfig(server.url), upsert=True)
    with contextlib.closing(KubernetesBackend(settings)) as backend:
        server.objects[PATH] = {
            "metadata": {"name": "x", "uid": "1", "managedFields": [{"manager": "kubectl"}]}
        }
        inputs = backend.check(CONFIG_MAP, "x", {"metadata": NAMED, "data": {"a": "1"}}, None)
        before = backend.find(CONFIG_MAP, inputs)
        made = backend.create(CONFIG_MAP, "urn", inputs, lambda _: None)
        assert made.outputs["metadata"]["uid"] == "1"
        assert before == backend.find(CONFIG_MAP, inputs) == "space/x"


def test_an_object_that_is_being_deleted_is_not_applied_to(wire: Hands, server: ApiServer) -> None:
    made = wire.create(CONFIG_MAP, "x", metadata=NAMED)
    server.objects[PATH]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(ResourceFailedError, match="being deleted"):
        wire.backend.create(CONFIG_MAP, "urn", made.inputs, wire.said.append)


def test_what_an_interrupted_run_made_is_made_again_without_harm(wire: Hands, server: ApiServer) -> None:
    first = wire.create(CONFIG_MAP, "x", metadata=NAMED)
    again = wire.backend.create(CONFIG_MAP, "urn", first.inputs, wire.said.append)
    assert again == first
    assert len(server.objects) == 1


def test_a_busy_server_is_asked_again(wire: Hands, server: ApiServer) -> None:
    server.scripted += [(429, {"Retry-After": "1"}, {}), (503, {}, {})]
    assert wire.backend.read(CONFIG_MAP, "space/x", {}) is None
    assert len([each for each in server.requests if each.path == PATH]) == 3


def test_a_server_that_stays_busy_is_an_error(wire: Hands, server: ApiServer) -> None:
    for _ in range(4):
        server.fail(503, "ServiceUnavailable", "etcd is down")
    with pytest.raises(ResourceFailedError, match="read ConfigMap space/x: etcd is down"):
        wire.backend.read(CONFIG_MAP, "space/x", {})


def test_refused_credentials_name_the_next_step(wire: Hands, server: ApiServer) -> None:
    server.fail(401, "Unauthorized", "Unauthorized")
    with pytest.raises(ResourceFailedError, match="renew the credentials"):
        wire.backend.read(CONFIG_MAP, "space/x", {})


def test_an_answer_without_json_is_an_error_and_no_crash(wire: Hands, server: ApiServer) -> None:
    server.scripted.append((502, {}, "<html>"))
    with pytest.raises(ResourceFailedError, match="HTTP 502"):
        wire.backend.read(CONFIG_MAP, "space/x", {})


def test_the_servers_warnings_are_told(wire: Hands, server: ApiServer) -> None:
    made = {"metadata": {"name": "x", "uid": "1"}, "kind": "ConfigMap", "apiVersion": "v1"}
    server.scripted.append((404, {}, {}))
    server.scripted.append((200, {"Warning": '299 - "this is old"'}, made))
    wire.create(CONFIG_MAP, "x", metadata=NAMED)
    assert wire.said == ["the API server warns: this is old"]


def test_a_secrets_values_are_in_no_error_and_no_warning(wire: Hands, server: ApiServer) -> None:
    inputs = wire.check(SECRET, "x", metadata=NAMED, stringData={"password": "hunter2"})
    causes = [{"field": "data[password]", "message": 'Invalid value: "hunter2"'}]
    server.scripted.append((404, {}, {}))
    server.fail(422, "Invalid", 'Invalid value: "hunter2"', causes=causes)
    with pytest.raises(ResourceFailedError) as failure:
        wire.backend.create(SECRET, "urn", inputs, wire.said.append)
    assert "hunter2" not in str(failure.value)
    assert "Invalid (data[password])" in str(failure.value)
    made = {"metadata": {"name": "x", "uid": "1"}, "kind": "Secret", "apiVersion": "v1"}
    server.scripted += [(404, {}, {}), (200, {"Warning": '299 - "hunter2 is weak"'}, made)]
    wire.backend.create(SECRET, "urn", inputs, wire.said.append)
    assert wire.said == []


def test_a_secrets_outputs_hold_its_data_only_where_the_inputs_do(wire: Hands, server: ApiServer) -> None:
    made = wire.create(SECRET, "x", metadata=NAMED, stringData={"password": "hunter2"})
    assert made.outputs["stringData"] == {"password": "hunter2"}
    rest = {key: value for key, value in made.outputs.items() if key != "stringData"}
    for spelled in ("hunter2", base64.b64encode(b"hunter2").decode()):
        assert spelled not in json.dumps(rest)
    (sent,) = server.sent("PATCH")
    assert sent.body["data"] == {"password": base64.b64encode(b"hunter2").decode()}


def test_a_changed_object_is_seen_by_a_refresh(wire: Hands, server: ApiServer) -> None:
    made = wire.create(CONFIG_MAP, "x", metadata=NAMED, data={"a": "1"})
    assert wire.refreshed(CONFIG_MAP, made) == made
    server.objects[PATH]["data"] = {"a": "changed", "b": "foreign"}
    seen = wire.refreshed(CONFIG_MAP, made)
    assert seen is not None
    assert seen.inputs["data"] == {"a": "changed"}
    assert wire.backend.diff(CONFIG_MAP, seen, made.inputs).changed == ("data.a",)


def test_an_object_is_deleted_by_its_uid_with_what_belongs_to_it(wire: Hands, server: ApiServer) -> None:
    made = wire.create(CONFIG_MAP, "x", metadata=NAMED)
    wire.delete(CONFIG_MAP, made)
    wire.delete(CONFIG_MAP, made)
    (sent,) = server.sent("DELETE")
    assert sent.body["preconditions"] == {"uid": made.outputs["metadata"]["uid"]}
    assert sent.body["propagationPolicy"] == "Foreground"
    assert wire.refreshed(CONFIG_MAP, made) is None


def test_an_object_that_was_made_anew_by_somebody_is_not_deleted(wire: Hands, server: ApiServer) -> None:
    made = wire.create(CONFIG_MAP, "x", metadata=NAMED)
    server.objects[PATH]["metadata"]["uid"] = "another"
    wire.delete(CONFIG_MAP, made)
    assert server.sent("DELETE") == []


def test_a_deletion_may_leave_dependents(wire: Hands, server: ApiServer) -> None:
    orphan = {"pulumi.com/deletionPropagationPolicy": "orphan"}
    wire.delete(CONFIG_MAP, wire.create(CONFIG_MAP, "x", metadata={**NAMED, "annotations": orphan}))
    assert server.sent("DELETE")[0].body["propagationPolicy"] == "Orphan"


def test_a_kind_that_the_server_does_not_know_is_an_error_and_gone_for_a_deletion(wire: Hands) -> None:
    with pytest.raises(ResourceFailedError, match=r"no Widget in example.org/v1.*CustomResourceDefinition"):
        wire.create(WIDGET, "x", metadata=NAMED)
    wire.backend.delete(WIDGET, "space/x", {}, wire.said.append)
    assert wire.backend.read(WIDGET, "space/x", {}) is None


def test_an_object_that_stays_after_its_deletion_names_what_holds_it(wire: Hands, server: ApiServer) -> None:
    held = {"metadata": {"name": "x", "uid": "1", "finalizers": ["example.org/keep"]}}
    server.scripted += [(200, {}, held)] * 9
    outputs = {"metadata": {"uid": "1", "annotations": {"pulumi.com/timeoutSeconds": "60"}}}
    with pytest.raises(ResourceFailedError, match=r"not gone after 0 s: finalizers example\.org/keep"):
        wire.backend.delete(CONFIG_MAP, "space/x", outputs, wire.said.append, seconds=1e-9)


def test_a_namespace_is_known_by_its_name_alone(server: ApiServer) -> None:
    backend = KubernetesBackend(Settings(kubeconfig=kubeconfig(server.url)))
    inputs = backend.check(NAMESPACE, "space", {"metadata": {"name": "mine"}}, None)
    server.objects["/api/v1/namespaces/mine"] = {"metadata": {"name": "mine", "uid": "1"}, **inputs}
    found = backend.read(NAMESPACE, "mine", inputs)
    assert found == Existing("mine", found.outputs if found else {}, inputs)
    backend.close()
