"""`make up` and what goes with it for a stack on a cluster that another stack made."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Namespace, PersistentVolumeClaim

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.fixtures import names
from tests.kubernetes.waiting import until
from tests.kubernetes.workload_stack import MODEL, ROOT, TAG, load_images
from tests.stack.rig import Stack, new_stack

pytestmark = pytest.mark.docker
NAME, NAMESPACE, MAKER = "test-make-up", "slm-test-make-up", "maker"
needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="no kubectl on PATH")


@pytest.fixture(scope="module")
def stack(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that was never up, on the cluster that stack `maker` has as its output."""
    load_images(cluster)
    made = new_stack(NAME, 1, tmp_path_factory.mktemp("make-up"))
    where = {
        "cluster": MAKER, "namespace": NAMESPACE, "images": {"tag": TAG}, "storeGib": 1, "cpuShare": 0.1,
    }  # fmt: skip
    config = {
        "target": "kubernetes",
        "kubernetes": where,
        "models": [{"name": MODEL, "engine": "onnx", "contextLength": 1024, "concurrency": 2}],
        "keys": [{"id": "default"}],
        "monitoring": {"enabled": False},
    }
    named = {f"slm-kit:{key}": value for key, value in config.items()}
    made.file.write_text(yaml.safe_dump({"config": named}, sort_keys=False))
    yield made
    if NAMESPACE in names(cluster.client.list(Namespace)):
        cluster.client.delete(Namespace, NAMESPACE)
        until("the namespace gone", lambda: NAMESPACE not in names(cluster.client.list(Namespace)))


@pytest.fixture(scope="module")
def up(cluster: Cluster, stack: Stack) -> str:
    """What the first `make up` said, once the cluster's stack is there."""
    refused = stack.ops("up", "--runner", "rehearsal")
    assert refused.returncode == 5, refused.stdout
    assert f"stack reference 'organization/slm-kit/{MAKER}'" in refused.stdout
    _make(stack, cluster.kubeconfig.read_text())
    return stack.must("up")


def _make(stack: Stack, kubeconfig: str) -> None:
    """A stack of the same project with the cluster's kubeconfig as its output."""
    with tempfile.TemporaryDirectory() as folder:
        project = {"name": "slm-kit", "runtime": "python"}
        (Path(folder) / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        (Path(folder) / "__main__.py").write_text(
            f"import pulumi\npulumi.export('kubeconfig', {kubeconfig!r})\n"
        )
        state = stack.home / "slm-kit" / f"{MAKER}.json"
        passphrase = stack.home / "slm-kit" / f"{NAME}.passphrase"
        subprocess.run(
            [sys.executable, "-m", "rehearsal", "up", "--stack", MAKER, "--state", str(state),
             "--project", folder],
            cwd=ROOT, check=True, env={**os.environ, "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase)},
        )  # fmt: skip


def test_what_config_leaves_open_is_decided_once(stack: Stack, up: str) -> None:
    config = yaml.safe_load(stack.file.read_text())["config"]
    assert config["slm-kit:runner"] == "rehearsal"
    assert config["slm-kit:modelSource"] in ("hf", "pypi")
    assert "secure" in config["slm-kit:keySecrets"]["default"]
    assert not {"slm-kit:engineCpus", "slm-kit:images", "slm-kit:imageBase"} & set(config), "of Docker's"
    assert f"make -s key STACK={NAME}" in up


def test_the_way_to_the_gateway_is_a_command_that_works_as_it_is(stack: Stack, up: str) -> None:
    kubeconfig = stack.home / "slm-kit" / f"{MAKER}.kubeconfig"
    command = f"kubectl --kubeconfig {kubeconfig} --namespace {NAMESPACE} port-forward"
    assert f"  from here {command} service/gateway-published 8080:8080\n" in up
    assert kubeconfig.stat().st_mode & 0o077 == 0


@needs_kubectl
def test_the_first_answer_is_shown(up: str) -> None:
    assert re.search(r"^  answer    .*Paris", up, re.MULTILINE), up
    assert re.search(r"^  speed     \d+ tokens/s", up, re.MULTILINE), up


@needs_kubectl
@pytest.mark.usefixtures("up")
def test_logs_are_those_of_the_stacks_pods(stack: Stack) -> None:
    assert stack.must("logs").count("[pod/gateway-") > 0
    unknown = stack.ops("logs", "--request", "not-a-request")
    assert unknown.returncode == 2
    assert "no pod of stack" in unknown.stdout


@pytest.mark.skipif(bool(os.environ.get("KEDA")), reason="KEDA may be on the cluster")
def test_scaling_on_a_cluster_without_keda_is_refused_before_anything_is_there(
    cluster: Cluster, tmp_path: Path
) -> None:
    made = new_stack("test-no-keda", 1, tmp_path)
    model = {"name": MODEL, "contextLength": 1024, "concurrency": 2, "scaling": {"minReplicas": 0}}
    config = {
        "target": "kubernetes",
        "kubernetes": {"kubeconfig": str(cluster.kubeconfig), "images": {"tag": TAG}},
        "models": [model],
        "keys": [{"id": "default"}],
    }
    named = {f"slm-kit:{key}": value for key, value in config.items()}
    made.file.write_text(yaml.safe_dump({"config": named}, sort_keys=False))
    refused = made.ops("up", "--runner", "rehearsal")
    assert refused.returncode == 2, refused.stdout
    assert "no ScaledObject and no TriggerAuthentication of keda.sh/v1alpha1" in refused.stdout
    assert "slm-test-no-keda" not in names(cluster.client.list(Namespace))


@pytest.mark.usefixtures("up")
def test_a_second_up_changes_nothing(stack: Stack) -> None:
    said = stack.must("up")
    assert re.search(r"Resources: \d+ unchanged, 1 read$", said, re.MULTILINE), said


@pytest.mark.usefixtures("up")
def test_preview_shows_what_up_would_change(stack: Stack) -> None:
    stack.must("config", "keys[0].requestsPerMinute", "77")
    said = stack.must("preview")
    assert re.search(r"Resources: 1 to update, \d+ unchanged, 1 read$", said, re.MULTILINE), said


@pytest.mark.usefixtures("up")
def test_a_stack_that_is_up_is_not_purged(stack: Stack) -> None:
    refused = stack.ops("purge", "--yes")
    assert refused.returncode == 2
    assert f"make down STACK={NAME}" in refused.stdout


@pytest.mark.usefixtures("up")
def test_down_keeps_the_models_and_says_so(cluster: Cluster, stack: Stack) -> None:
    said = stack.must("down")
    kubeconfig = stack.home / "slm-kit" / f"{MAKER}.kubeconfig"
    assert f"`kubectl --kubeconfig {kubeconfig} delete namespace {NAMESPACE}` removes it" in said
    claims = names(cluster.client.list(PersistentVolumeClaim, namespace=NAMESPACE))
    assert claims == {f"slm-kit-{NAME}-models"}
    until("no deployment", lambda: not names(cluster.client.list(Deployment, namespace=NAMESPACE)))
    stack.must("purge", "--yes")
    assert not stack.file.exists()
