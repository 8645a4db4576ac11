"""Models as images on a real cluster: its server takes the pods, and a runtime that can mount them serves."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube.codecs import from_dict
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import PersistentVolumeClaim, Pod

from ops import base_image
from tests.kubernetes.cluster import Cluster, own
from tests.kubernetes.fixtures import names
from tests.kubernetes.images import build, digest
from tests.kubernetes.node import built_images
from tests.kubernetes.workload_stack import TAG, load_images
from tests.stack.rig import TINY, TINY_FOLDER, Stack, docker, new_stack

pytestmark = pytest.mark.docker
Record = Callable[[str, object], None]
NAME, NAMESPACE = "test-model-volumes", "slm-test-model-volumes"
SOURCE = Path(__file__).parent / "containerd"
needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="no kubectl on PATH")


def new(folder: Path, kubeconfig: Path) -> Stack:
    """A stack that has the tiny model as an image, on the cluster of that file."""
    made = new_stack(NAME, 1, folder)
    config = {
        "target": "kubernetes",
        "kubernetes": {
            "kubeconfig": str(kubeconfig), "namespace": NAMESPACE, "images": {"tag": TAG}, "cpuShare": 0.1,
            "modelImages": {"prefix": NAME},
        },
        "models": [{"name": "tiny", "model": TINY, "engine": "onnx", "contextLength": 512, "concurrency": 2}],
        "keys": [{"id": "default"}],
        "modelSource": "file",
        "modelFolder": str(TINY_FOLDER),
        "monitoring": {"enabled": False},
    }  # fmt: skip
    named = {f"slm-kit:{key}": value for key, value in config.items()}
    made.file.write_text(yaml.safe_dump({"config": named}, sort_keys=False))
    return made


def rendered(stack: Stack) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "ops", "render", "--stack", stack.name],
        cwd=stack.checkout, env=stack.environment(), text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_restricted_namespace_takes_an_engine_with_its_model_as_an_image(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    document = rendered(new(tmp_path, cluster.kubeconfig))
    (engine,) = (
        each
        for each in document["resources"]
        if each["type"] == "kubernetes:apps/v1:Deployment" and each["name"] == "tiny"
    )
    wanted = {**engine["inputs"]["spec"]["template"]["spec"], "serviceAccountName": "default"}
    metadata = {"name": "engine", "namespace": namespace}
    pod = from_dict({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": wanted})
    assert isinstance(pod, Pod)
    made = cluster.client.create(pod)
    # A server without the feature takes the pod and drops the field.
    assert made.spec is not None
    found = [each.image.reference for each in made.spec.volumes or () if each.image is not None]
    assert found == [document["outputs"]["modelImages"]["tiny"]]


@needs_kubectl
def test_nodes_with_a_runtime_that_cannot_mount_images_are_refused_before_anything_is_made(
    cluster: Cluster, tmp_path: Path
) -> None:
    if cluster.node is None:
        pytest.skip("which containerd a given cluster has is not known")
    refused = new(tmp_path, cluster.kubeconfig).ops("up", "--runner", "rehearsal")
    assert refused.returncode == 2, refused.stdout
    assert re.search(
        r"node has containerd://1\.\d+\.\S+: volumes of images need containerd 2\.1", refused.stdout
    )
    assert "rehearsal up" not in refused.stdout


@pytest.fixture(scope="module")
def able(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A node with a containerd that mounts images."""
    if not os.environ.get("IMAGE_VOLUMES"):
        pytest.skip(
            "`IMAGE_VOLUMES=1 make test-kubernetes` builds containerd 2, some minutes, once a machine"
        )
    node, _ = built_images()
    reference = f"slm-kit/test-node-containerd:{digest(SOURCE)}-{node.rpartition(':')[2]}"
    if not base_image.exists(reference):
        build(SOURCE, "node", reference, NODE=node)
    with own(tmp_path_factory.mktemp("able"), reference) as made:
        yield made


@pytest.fixture(scope="module")
def up(able: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, str, float]]:
    """The stack, up on that node with an image of its model, what was said, and how long it took."""
    stack = new(tmp_path_factory.mktemp("stack"), able.kubeconfig)
    stack.must("images", "--prefix", NAME, "--models", "tiny")
    (image,) = rendered(stack)["outputs"]["modelImages"].values()
    load_images(able, only=("gateway", "onnx-server"))
    able.load(image)
    begun = time.monotonic()
    try:
        yield stack, stack.must("up", "--runner", "rehearsal"), time.monotonic() - begun
    finally:
        # The stack goes with its node.
        made = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{NAME}/*").split()
        docker("image", "rm", *made)


@needs_kubectl
def test_a_model_is_served_out_of_an_image(
    able: Cluster, up: tuple[Stack, str, float], record_property: Record
) -> None:
    _, said, seconds = up
    # What it says is as random as the model's weights.
    found = re.search(r"^  speed     .*\((\d+) tokens", said, re.MULTILINE)
    assert found, said
    assert int(found[1]) > 0
    text = f"{found[1]} tokens {seconds:.0f} s after `make up` began"
    record_property("shown", f"a model is served out of an image: {text}")
    assert not names(able.client.list(PersistentVolumeClaim, namespace=NAMESPACE))
    assert not names(able.client.list(Job, namespace=NAMESPACE))


def test_a_second_up_of_it_changes_nothing(up: tuple[Stack, str, float]) -> None:
    stack, _, _ = up
    said = stack.must("up")
    assert re.search(r"Resources: \d+ unchanged$", said, re.MULTILINE), said


def test_down_says_that_models_stay_only_if_there_was_a_claim(up: tuple[Stack, str, float]) -> None:
    stack, _, _ = up
    said = stack.must("down")
    assert f"namespace {NAMESPACE} stays with the models of a claim, if it had one; " in said
    assert "finds the models again" not in said
