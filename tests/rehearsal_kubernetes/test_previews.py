"""What a preview asks the server, and what it tells."""

from typing import Any

import pytest

from rehearsal.backend import UNKNOWN, ResourceFailedError
from tests.rehearsal_kubernetes.apiserver import ApiServer
from tests.rehearsal_kubernetes.conftest import CONFIG_MAP, DEPLOYMENT, Hands

WIDGET = "kubernetes:example.org/v1:Widget"
PATH = "/api/v1/namespaces/space/configmaps/x"
NAMED = {"name": "x"}


def test_a_preview_is_a_dry_run_and_what_it_makes_up_is_unknown(wire: Hands, server: ApiServer) -> None:
    inputs = wire.check(CONFIG_MAP, "x", metadata=NAMED)
    outputs = wire.backend.preview(CONFIG_MAP, inputs)
    assert server.sent("PATCH")[0].query["dryRun"] == "All"
    assert outputs["metadata"]["name"] == "x"
    assert outputs["metadata"]["uid"] == UNKNOWN
    assert server.objects == {}


def test_a_preview_of_an_update_keeps_what_is_known(wire: Hands) -> None:
    made = wire.create(CONFIG_MAP, "x", metadata=NAMED)
    labelled = {**made.inputs, "metadata": {**made.inputs["metadata"], "labels": {"stack": "a", "more": "1"}}}
    wire.backend.diff(CONFIG_MAP, made, labelled)
    assert wire.backend.preview(CONFIG_MAP, labelled)["metadata"]["uid"] == made.outputs["metadata"]["uid"]


def test_a_preview_of_a_successor_is_tried_under_another_name(wire: Hands, server: ApiServer) -> None:
    made = wire.create(CONFIG_MAP, "x", metadata=NAMED, data={"a": "1"})
    new = {**made.inputs, "data": {"a": "2"}}
    assert wire.backend.diff(CONFIG_MAP, made, new).delete_before_replace
    outputs = wire.backend.preview(CONFIG_MAP, new)
    assert server.sent("PATCH")[-1].path != PATH
    assert server.sent("PATCH")[-1].path.startswith(PATH)
    assert outputs["metadata"]["name"] == "x"
    assert outputs["metadata"]["uid"] == UNKNOWN


@pytest.mark.parametrize(
    "token_and_inputs",
    [(CONFIG_MAP, {"data": {"a": UNKNOWN}}), (WIDGET, {"spec": {"size": 1}})],
)
def test_a_preview_asks_nothing_that_the_server_cannot_know(
    wire: Hands, server: ApiServer, token_and_inputs: tuple[str, dict[str, Any]]
) -> None:
    token, more = token_and_inputs
    inputs = wire.check(token, "x", metadata=NAMED, **more)
    assert wire.backend.preview(token, inputs) == inputs
    assert server.sent("PATCH") == []


def test_a_preview_in_a_namespace_that_is_not_there_yet_gives_the_inputs(
    wire: Hands, server: ApiServer
) -> None:
    inputs = wire.check(CONFIG_MAP, "x", metadata=NAMED)
    server.scripted.append((404, {}, {"reason": "NotFound"}))  # the object
    server.fail(404, "NotFound", 'namespaces "space" not found', kind="namespaces", name="space")
    assert wire.backend.preview(CONFIG_MAP, inputs) == inputs


def test_a_bad_manifest_fails_the_preview_in_the_servers_words(wire: Hands, server: ApiServer) -> None:
    inputs = wire.check(DEPLOYMENT, "x", metadata=NAMED, spec={"replica": 1})
    server.scripted.append((404, {}, {"reason": "NotFound"}))
    server.fail(400, "BadRequest", 'strict decoding error: unknown field "spec.replica"')
    with pytest.raises(ResourceFailedError, match=r"apply Deployment space/x: .*spec\.replica"):
        wire.backend.preview(DEPLOYMENT, inputs)
