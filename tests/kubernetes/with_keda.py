"""KEDA on a cluster, built from its Go module, where somebody asked for it with KEDA=1."""

import contextlib
import io
import os
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import docker
import pytest
from lightkube.codecs import load_all_yaml
from lightkube.models.core_v1 import ResourceRequirements
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Namespace, Secret

from ops import base_image
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.fixtures import RESTRICTED, names
from tests.kubernetes.images import build, digest
from tests.kubernetes.waiting import until

SOURCE = Path(__file__).parent / "keda"
NAMESPACE, CERTIFICATES = "keda", "kedaorg-certs"
OPERATOR, METRICS = "keda-operator", "keda-metrics-apiserver"
PARTS = ("general", "crd/bases", "rbac", "service_account", "manager", "metrics-server")
"""Folders of KEDA's own manifests, in the order in which they need each other. Its webhooks, which refuse
mistakes earlier than its operator does, are left out."""


@pytest.fixture(scope="session")
def keda(cluster: Cluster) -> Iterator[None]:
    """KEDA's operator and metrics server, ready."""
    if not os.environ.get("KEDA"):
        pytest.skip("`KEDA=1 make test-kubernetes` builds KEDA, some ten minutes, once a machine")
    image = built_image()
    cluster.load(image)
    with installed(cluster, image):
        yield


def built_image() -> str:
    """The image of both programs, built once a machine."""
    reference = f"slm-kit/test-keda:{digest(SOURCE)}"
    if not base_image.exists(reference):
        build(SOURCE, "keda", reference)
    return reference


@contextlib.contextmanager
def installed(cluster: Cluster, image: str) -> Iterator[None]:
    """KEDA from its own manifests, in a namespace of its own; all of it is removed at the end."""
    objects = [_adapted(each, image) for each in _manifests(image)]
    try:
        for each in objects:
            cluster.client.apply(each)
        until(
            "KEDA's certificates",
            lambda: CERTIFICATES in names(cluster.client.list(Secret, namespace=NAMESPACE)),
        )
        for name in (OPERATOR, METRICS):
            until(f"{name} ready", partial(_ready, cluster, name), 300)
        yield
    finally:
        for each in reversed(objects):
            namespace = each.metadata.namespace
            cluster.client.delete(type(each), each.metadata.name, namespace=namespace)
        until("KEDA gone", lambda: NAMESPACE not in names(cluster.client.list(Namespace)))


def _manifests(image: str) -> list[Any]:
    """KEDA's own, from its image."""
    client = docker.from_env()
    container = client.containers.create(image)
    try:
        content = b"".join(container.get_archive("/config")[0])
    finally:
        container.remove()
        client.close()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = {
            name.removeprefix("config/"): opened.read().decode()
            for name in sorted(archive.getnames())
            if name.endswith(".yaml")
            and not name.endswith("/kustomization.yaml")
            and (opened := archive.extractfile(name))
        }
    chosen = [text for part in PARTS for name, text in files.items() if str(Path(name).parent) == part]
    return [each for text in chosen for each in load_all_yaml(text)]


def _adapted(each: Any, image: str) -> Any:
    """With the image that was built, little of the node reserved, and for restricted pods only."""
    if isinstance(each, Namespace) and each.metadata and each.metadata.labels:
        each.metadata.labels |= RESTRICTED
    if isinstance(each, Deployment) and each.spec and each.spec.template.spec:
        (container,) = each.spec.template.spec.containers
        container.image, container.imagePullPolicy = image, "Never"
        container.resources = ResourceRequirements(requests={"cpu": "20m", "memory": "64Mi"})
        if container.name == OPERATOR:
            # There is no webhook to patch.
            container.args = [*(container.args or ()), "--enable-webhook-patching=false"]
    return each


def _ready(cluster: Cluster, name: str) -> bool:
    status = cluster.client.get(Deployment, name, namespace=NAMESPACE).status
    return bool(status and status.readyReplicas)
