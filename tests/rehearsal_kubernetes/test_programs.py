"""A program with the typed SDK, through the command line: what the SDK sends is what the backend takes."""

import base64
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.rig import Stack
from tests.rehearsal_kubernetes.apiserver import ApiServer
from tests.rehearsal_kubernetes.conftest import kubeconfig

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pulumi_kubernetes") is None,
    reason="pulumi-kubernetes is not installed",
)

PROGRAM = """
import pulumi_kubernetes as k8s
cluster = k8s.Provider("cluster", kubeconfig=pulumi.Config().require("kubeconfig"),
                       enable_server_side_apply=True, cluster_identifier="c", upsert_existing_objects=True)
on = Opts(provider=cluster)
space = k8s.core.v1.Namespace("space", metadata={"name": "models"}, opts=on)
inside = {"namespace": space.metadata["name"]}
settings = k8s.core.v1.ConfigMap("settings", metadata=inside, data={"haproxy.cfg": CONTENT}, opts=on)
k8s.core.v1.Secret("keys", metadata=inside, string_data={"key": "hunter2"}, opts=on)
k8s.core.v1.Service("web", metadata={**inside, "name": "web"}, opts=on,
                    spec={"cluster_ip": "None", "selector": {"app": "x"}, "ports": [{"port": 8080}]})
k8s.apps.v1.Deployment("web", metadata=inside, opts=on, spec={
    "replicas": 1, "selector": {"match_labels": {"app": "x"}},
    "template": {"metadata": {"labels": {"app": "x"}}, "spec": {
        "containers": [{"name": "main", "image": "i", "ports": [{"container_port": 8080}]}],
        "volumes": [{"name": "s", "config_map": {"name": settings.metadata["name"]}}]}}})
pulumi.export("namespace", space.metadata["name"])
pulumi.export("uid", settings.metadata["uid"])
"""


@pytest.fixture
def stack(server: ApiServer, tmp_path: Path) -> Stack:
    """A project whose cluster is the small server; controllers make everything ready at once."""

    def ready(live: dict[str, Any]) -> None:
        rolled = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
        live["status"] = {"Namespace": {"phase": "Active"}, "Deployment": rolled}.get(live["kind"], {})

    server.controller = ready
    root, passphrase, config = tmp_path / "project", tmp_path / "passphrase", tmp_path / "kubeconfig"
    root.mkdir()
    passphrase.write_text("correct horse\n")
    config.write_text(kubeconfig(server.url))
    made = Stack(root, tmp_path, {"PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase)})
    return made.schema(f"proj:kubeconfig:\n  value: {config}\n")


def _program(stack: Stack, content: str) -> None:
    stack.program(f"CONTENT = {content!r}\n{PROGRAM}")


def test_a_stack_is_made_is_no_change_the_second_time_is_changed_and_goes(
    stack: Stack, server: ApiServer
) -> None:
    _program(stack, "one")
    assert stack.steps() == dict.fromkeys(
        ("proj-dev", "cluster", "space", "settings", "keys", "web"), "create"
    )
    assert server.objects == {}
    stack.run("up")
    assert {path.rpartition("/")[0] for path in server.objects} == {
        "/api/v1/namespaces",
        "/api/v1/namespaces/models/configmaps",
        "/api/v1/namespaces/models/secrets",
        "/api/v1/namespaces/models/services",
        "/apis/apps/v1/namespaces/models/deployments",
    }
    stack.run("preview", "--refresh", "--expect-no-changes")
    before = set(server.objects)
    _program(stack, "two")
    # Another ConfigMap under another name, so that the pods that mount it roll.
    assert stack.steps() == {"settings": "replace", "web": "update"}
    stack.run("up")
    (gone,), (new,) = before - set(server.objects), set(server.objects) - before
    assert gone.startswith("/api/v1/namespaces/models/configmaps/settings-")
    assert server.objects[new]["data"] == {"haproxy.cfg": "two"}
    stack.run("down")
    assert server.objects == {}


def test_a_secret_is_in_clear_neither_in_the_state_nor_in_what_a_run_says(
    stack: Stack, server: ApiServer
) -> None:
    _program(stack, "one")
    said = stack.run("up") + stack.run("up", "--refresh") + json.dumps(stack.json("preview"))
    kept = stack.state_file.read_text()
    for spelled in ("hunter2", base64.b64encode(b"hunter2").decode()):
        assert spelled not in said
        assert spelled not in kept
    (path,) = [each for each in server.objects if "/secrets/" in each]
    assert server.objects[path]["data"] == {"key": base64.b64encode(b"hunter2").decode()}


def test_what_the_server_refuses_fails_the_preview_with_the_resources_name(
    stack: Stack, server: ApiServer
) -> None:
    stack.program(
        """
        import pulumi_kubernetes as k8s
        on = Opts(provider=k8s.Provider("cluster", kubeconfig=pulumi.Config().require("kubeconfig")))
        k8s.core.v1.ConfigMap("settings", metadata={"namespace": "a"}, data={"a": "b"}, opts=on)
        """
    )
    server.scripted.append((404, {}, {}))
    server.fail(422, "Invalid", "data is too long")
    said = stack.run("preview", code=5)
    assert "settings: Could not apply ConfigMap a/settings-" in said
    assert "data is too long" in said
