"""A backend with a small server for the wire, and one on a real cluster."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rehearsal.backend import Existing, Properties
from rehearsal.kubernetes_backend import KubernetesBackend, Settings
from rehearsal.kubernetes_backend.connection import Connection
from tests.kubernetes.cluster import Cluster
from tests.rehearsal_kubernetes.apiserver import ApiServer, serving

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SECRET = "kubernetes:core/v1:Secret"
SERVICE = "kubernetes:core/v1:Service"
NAMESPACE = "kubernetes:core/v1:Namespace"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
JOB = "kubernetes:batch/v1:Job"


def kubeconfig(server: str, user: dict[str, Any] | None = None, **cluster: Any) -> str:
    """A kubeconfig of one context; JSON is YAML."""
    return json.dumps(
        {
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "space"}}],
            "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
            "users": [{"name": "u", "user": user or {"token": "t0ken"}}],
        }
    )


@dataclass
class Hands:
    """Does what the engine does with a backend: check, create, keep what came out."""

    backend: KubernetesBackend
    labels: dict[str, str]
    said: list[str] = field(default_factory=list)
    made: list[tuple[str, Existing]] = field(default_factory=list)

    def check(self, token: str, name: str, /, **inputs: Any) -> Properties:
        """Checked inputs, labelled."""
        given = inputs.pop("metadata", {})
        return self.backend.check(token, name, {"metadata": {"labels": self.labels, **given}, **inputs}, None)

    def create(self, token: str, name: str, /, **inputs: Any) -> Existing:
        """Check and create; deleted after the test."""
        checked = self.check(token, name, **inputs)
        urn = f"urn:pulumi:test::rehearsal::{token}::{name}"
        made = self.backend.create(token, urn, checked, self.said.append)
        self.made.append((token, made))
        return made

    def refreshed(self, token: str, existing: Existing) -> Existing | None:
        """Read as the engine does: from the inputs and outputs in its state."""
        return self.backend.read(token, existing.id, {**existing.inputs, **existing.outputs})

    def delete(self, token: str, existing: Existing) -> None:
        """Delete as the engine would."""
        self.backend.delete(token, existing.id, existing.outputs, self.said.append)

    def delete_all(self) -> None:
        """Delete in the opposite order of creation."""
        while self.made:
            self.delete(*self.made.pop())


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """A server that looks at the wire only."""
    with serving() as made:
        yield made


@pytest.fixture
def wire(server: ApiServer) -> Iterator[Hands]:
    """The engine's part, on the small server."""
    backend = KubernetesBackend(Settings(kubeconfig=kubeconfig(server.url)))
    yield Hands(backend, {"stack": "a"})
    backend.close()


@pytest.fixture(autouse=True)
def no_pauses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits take no time, but for tests on a cluster."""
    if "cluster_config" not in request.fixturenames:
        monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.fixture(scope="session")
def cluster_config(cluster: Cluster) -> Path:
    """The kubeconfig of a cluster to test on."""
    return cluster.kubeconfig


@pytest.fixture(scope="session")
def image(cluster_config: Path) -> str:
    """Kubernetes' own pause image, which every node has: /pause waits, `/pause -v` ends at once."""
    connection = Connection(Settings(kubeconfig=str(cluster_config)))
    nodes = connection.request("GET", "/api/v1/nodes", "list nodes")["items"]
    connection.close()
    names = [name for node in nodes for each in node["status"].get("images", []) for name in each["names"]]
    found = [name for name in names if "pause" in name and "@" not in name]
    if not found:
        pytest.skip("no node tells of a pause image")
    return str(found[0])


@pytest.fixture
def on_cluster(cluster_config: Path) -> Iterator[Hands]:
    """The engine's part on a real cluster, in a namespace of its own that is gone after the test."""
    space = f"rehearsal-test-{uuid.uuid4().hex[:8]}"
    config = str(cluster_config)
    outside = Hands(KubernetesBackend(Settings(kubeconfig=config)), {"rehearsal-test": space})
    outside.create(NAMESPACE, "space", metadata={"name": space})
    inside = Hands(KubernetesBackend(Settings(kubeconfig=config, namespace=space)), {"rehearsal-test": space})
    yield inside
    inside.delete_all()
    inside.backend.close()
    outside.delete_all()
    outside.backend.close()


@pytest.fixture
def somebody_else(cluster_config: Path) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """Patches the object at a path as `kubectl edit` would, under another field manager."""
    connection = Connection(Settings(kubeconfig=str(cluster_config)))

    def patch(path: str, change: dict[str, Any]) -> None:
        query = {"fieldManager": "somebody-else"}
        kind = "application/merge-patch+json"
        connection.request("PATCH", path, "patch as somebody else", query=query, body=change, kind=kind)

    yield patch
    connection.close()
