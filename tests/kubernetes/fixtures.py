"""The cluster that all suites share, and a namespace for each test that wants one."""

import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, ServiceAccount

from tests.kubernetes.cluster import Cluster, given, own
from tests.kubernetes.images import build
from tests.kubernetes.node import is_built
from tests.kubernetes.waiting import until

ROOT = Path(__file__).parents[2]
ASKED = "SLM_TEST_KUBERNETES"
"""Set where a node may be built: it takes longer than most suites run."""
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Kubernetes cluster: SLM_TEST_KUBECONFIG's, KUBECONFIG's, or one of the tests' own."""
    found = given()
    if found:
        with found.client:
            yield found
        return
    try:
        docker.from_env().close()
    except DockerException as problem:
        pytest.skip(f"no KUBECONFIG is set, and no Docker engine answers: {problem}")
    if not (os.environ.get(ASKED) or is_built()):
        pytest.skip("`make test-kubernetes` builds Kubernetes, some ten minutes, once a machine")
    with own(tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture(scope="session")
def gateway_image(cluster: Cluster) -> str:
    """The kit's gateway, on the cluster; it has HAProxy and a shell."""
    return cluster.load(build(ROOT / "docker" / "gateway", "runtime", "slm-kit/test-gateway:kubernetes"))


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace with restricted Pod Security, gone with everything in it after the test."""
    name = f"slm-test-{secrets.token_hex(4)}"
    cluster.client.create(Namespace(metadata=ObjectMeta(name=name, labels=RESTRICTED)))
    # No pod can be made before the namespace has its service account.
    until("service account", lambda: names(cluster.client.list(ServiceAccount, namespace=name)))
    yield name
    cluster.client.delete(Namespace, name)
    until(f"{name} gone", lambda: name not in names(cluster.client.list(Namespace)))


def names(objects: Iterable[Any]) -> set[str]:
    """Names of what a list holds."""
    return {each.metadata.name for each in objects if each.metadata and each.metadata.name}
