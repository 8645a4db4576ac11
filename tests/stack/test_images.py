"""`make images`: built here, pushed to a registry that is a real one, found there under what is printed."""

import re
import subprocess
import time
from collections.abc import Iterator

import docker as docker_sdk
import httpx
import pytest
import yaml

from tests.conftest import ROOT
from tests.kubernetes.images import build
from tests.stack.rig import Stack, docker, new_stack

pytestmark = pytest.mark.docker
NAME = "test-images"
REGISTRY_FOLDER = ROOT / "tests/stack/registry"


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """`127.0.0.1:port` of a registry; engines take plain HTTP there. Gone with what was pushed."""
    image = build(REGISTRY_FOLDER, "registry", "slm-kit/test-registry:debian")
    client = docker_sdk.from_env()
    container = client.containers.run(
        image, detach=True, labels={"slm-kit.test": "images"}, ports={"5000/tcp": ("127.0.0.1", 0)}
    )
    try:
        container.reload()
        address = f"127.0.0.1:{container.attrs['NetworkSettings']['Ports']['5000/tcp'][0]['HostPort']}"
        _wait(f"http://{address}/v2/")
        yield address
    finally:
        container.remove(force=True, v=True)
        client.close()


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail(f"{url} does not answer")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    made = new_stack(NAME, 1, tmp_path_factory.mktemp("images"))
    example = (made.checkout / "stacks/Pulumi.kubernetes.example.yaml").read_text()
    made.file.write_text(example)
    return made


def test_an_image_is_built_pushed_and_named_for_the_stack(stack: Stack, registry: str) -> None:
    prefix = f"{registry}/acme/slm-kit"
    said = stack.must("images", "--prefix", prefix, "--names", "gateway", "--push")
    found = re.search(r"^slm-kit:kubernetes: (.*)$", said, re.MULTILINE)
    assert found, said
    images = yaml.safe_load(found[1])["images"]
    assert images["prefix"] == prefix
    reference = f"{prefix}/gateway:{images['tag']}"
    try:
        url = f"http://{registry}/v2/acme/slm-kit/gateway/manifests/{images['tag']}"
        accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
        answer = httpx.get(url, headers=accept, trust_env=False)
        assert answer.is_success, answer.text
        pushed = docker("image", "inspect", "--format", "{{.Id}}", reference).strip()
        assert answer.json()["config"]["digest"] == pushed
    finally:
        docker("image", "rm", reference)


def test_a_tag_of_digits_is_printed_as_text(stack: Stack) -> None:
    said = stack.must("images", "--prefix", NAME, "--names", "gateway", "--tag", "1.2")
    try:
        printed = yaml.safe_load(said.splitlines()[-1])
        assert printed == {"slm-kit:kubernetes": {"images": {"prefix": NAME, "tag": "1.2"}}}
    finally:
        docker("image", "rm", f"{NAME}/gateway:1.2")


def test_the_tag_changes_with_what_the_images_are_made_of(stack: Stack) -> None:
    program = "from ops.images import digest; print(digest('build'))"

    def tag() -> str:
        command = [str(stack.checkout / ".venv/bin/python"), "-c", program]
        return subprocess.run(command, cwd=stack.checkout, text=True, capture_output=True, check=True).stdout

    first, file = tag(), stack.checkout / "docker/gateway/Dockerfile"
    (stack.checkout / "docker/gateway/__pycache__").mkdir()
    (stack.checkout / "docker/gateway/__pycache__/x.pyc").write_bytes(b"cache")
    assert tag() == first
    content = file.read_text()
    file.write_text(content + "# another\n")
    assert tag() != first
    file.write_text(content)
    assert tag() == first


def test_what_is_not_there_is_refused_before_anything_is_built(stack: Stack) -> None:
    for arguments, words in (
        (("--names", "gatway"), "image 'gatway'"),
        (("--names", "gateway", "--tag", "a b"), "tag 'a b'"),
        (("--names", "gateway", "--prefix", "Acme"), "prefix 'Acme'"),
    ):
        refused = stack.ops("images", *arguments)
        assert refused.returncode == 2, refused.stdout
        assert words in refused.stdout
        assert "building" not in refused.stdout
