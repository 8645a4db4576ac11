"""The cluster that the tests run on: one that is there, else a node of their own."""

import contextlib
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from lightkube import Client, KubeConfig
from lightkube.codecs import load_all_yaml
from lightkube.core.exceptions import ConfigError
from lightkube.resources.core_v1 import Node as NodeObject

from tests.kubernetes.node import Node, running_node
from tests.kubernetes.waiting import until

ADDONS = Path(__file__).parent / "addons.yaml"
FIELD_MANAGER = "slm-kit-test"


@dataclass(frozen=True)
class Cluster:
    """`kubeconfig` reaches it; `load(image, name=None)` gives it an image and returns the reference for pods.

    `node` is the container that the tests started, and `ready_seconds` what that took; None for a cluster
    that was there before.
    """

    kubeconfig: Path
    client: Client
    load: Callable[..., str]
    node: Node | None = None
    ready_seconds: float | None = None


def given() -> Cluster | None:
    """The cluster of SLM_TEST_KUBECONFIG, else of KUBECONFIG, where it answers."""
    named = os.environ.get("SLM_TEST_KUBECONFIG")
    # A shell may point at any cluster: it is used only where somebody asked for these tests.
    path = named or (os.environ.get("KUBECONFIG") if os.environ.get("SLM_TEST_KUBERNETES") else None)
    if not path:
        return None
    try:
        client = connect(Path(path))
        list(client.list(NodeObject))
    except (httpx2.HTTPError, ConfigError, OSError) as problem:
        if named:
            pytest.fail(f"SLM_TEST_KUBECONFIG={path} does not answer: {problem}")
        return None
    return Cluster(Path(path), client, _load_by_command)


def connect(kubeconfig: Path) -> Client:
    """A client for the file's current context."""
    return Client(config=KubeConfig.from_file(kubeconfig), field_manager=FIELD_MANAGER)


def _load_by_command(image: str, name: str | None = None) -> str:
    """Run SLM_TEST_LOAD, such as `kind load docker-image`, with the image behind it."""
    command = os.environ.get("SLM_TEST_LOAD")
    if not command:
        pytest.skip("this cluster's way to load an image is not named in SLM_TEST_LOAD")
    if name:
        subprocess.run(["docker", "tag", image, name], check=True)
    subprocess.run([*shlex.split(command), name or image], check=True)
    return name or image


@contextlib.contextmanager
def own(folder: Path, image: str | None = None) -> Iterator[Cluster]:
    """A node of the tests' own, with names of services and volumes; its kubeconfig lies in `folder`.

    `image`: one made of the node's.
    """
    with running_node(image) as node:
        path = folder / "kubeconfig"
        path.touch(mode=0o600)
        path.write_text(node.kubeconfig)
        with connect(path) as client:
            for each in load_all_yaml(ADDONS.read_text(), context={"address": node.address}):
                client.apply(each)
            until("the node Ready", lambda: any(map(is_ready, client.list(NodeObject))))
            until("names of services", node.resolves)
            yield Cluster(path, client, node.load, node, time.monotonic() - node.begun)


def is_ready(node: NodeObject) -> bool:
    """Whether the kubelet says that pods can run on it."""
    conditions = node.status.conditions if node.status else None
    return any(each.type == "Ready" and each.status == "True" for each in conditions or ())
