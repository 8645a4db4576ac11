"""A refresh tells what somebody changed from what the server spells differently."""

from typing import Any

from rehearsal.kubernetes_backend.recorded import inputs_now, shape
from rehearsal.kubernetes_backend.secret_data import as_asked, as_sent

INPUTS: dict[str, Any] = {
    "metadata": {"name": "x"},
    "spec": {"cpu": "1000m", "ports": [{"port": 80}], "args": ["a", "b"], "replicas": 1},
}
LIVE: dict[str, Any] = {
    "metadata": {"name": "x", "uid": "1"},
    "spec": {"cpu": "1", "ports": [{"port": 80, "protocol": "TCP"}], "args": ["a", "b"], "replicas": 1},
    "status": {"phase": "Up"},
}


def _spec(**changes: Any) -> dict[str, Any]:
    return {**LIVE, "spec": {**LIVE["spec"], **changes}}


def test_what_the_server_fills_in_or_spells_its_way_is_no_change() -> None:
    assert inputs_now(shape(INPUTS, LIVE), LIVE, LIVE) == INPUTS
    assert inputs_now(shape(INPUTS, LIVE), LIVE, {**LIVE, "status": {"phase": "Down"}}) == INPUTS


def test_a_changed_value_replaces_the_input_at_its_place() -> None:
    found = inputs_now(shape(INPUTS, LIVE), LIVE, _spec(cpu="2", replicas=5))
    assert found["spec"] == {**INPUTS["spec"], "cpu": "2", "replicas": 5}


def test_a_removed_value_is_missing() -> None:
    gone = {**LIVE, "spec": {key: value for key, value in LIVE["spec"].items() if key != "replicas"}}
    assert "replicas" not in inputs_now(shape(INPUTS, LIVE), LIVE, gone)["spec"]


def test_a_list_of_another_length_is_shown_whole() -> None:
    found = inputs_now(shape(INPUTS, LIVE), LIVE, _spec(args=["a"]))
    assert found["spec"]["args"] == ["a"]


def test_a_value_that_the_server_never_gives_back_stays() -> None:
    inputs = {**INPUTS, "written": "only"}
    assert inputs_now(shape(inputs, LIVE), LIVE, LIVE)["written"] == "only"


def test_an_empty_list_that_the_server_dropped_stays() -> None:
    inputs: dict[str, Any] = {**INPUTS, "imagePullSecrets": []}
    in_state = {**inputs, **LIVE}
    assert inputs_now(shape(inputs, LIVE), in_state, LIVE)["imagePullSecrets"] == []


def test_a_change_is_still_one_at_the_next_refresh() -> None:
    changed = _spec(cpu="2")
    once = inputs_now(shape(INPUTS, LIVE), LIVE, changed)
    assert inputs_now(shape(once, changed), changed, changed)["spec"]["cpu"] == "2"


def test_the_record_repeats_no_value_that_the_server_kept() -> None:
    inputs = {"kind": "ConfigMap", "data": {"key": "hunter2"}}
    assert "hunter2" not in repr(shape(inputs, {**inputs, "metadata": {}}))


def test_the_text_of_a_secret_is_sent_as_data_and_told_as_text() -> None:
    inputs = {
        "apiVersion": "v1",
        "kind": "Secret",
        "stringData": {"a": "grün"},
        "data": {"b": "eA=="},
    }
    sent = as_sent(inputs)
    assert sent["data"] == {"a": "Z3LDvG4=", "b": "eA=="}
    assert "stringData" not in sent
    live = {**sent, "data": {**sent["data"], "foreign": "eA=="}}
    assert as_asked(live, inputs) == inputs
