"""A single-node Kubernetes in one container: its image, its life, its images."""

import contextlib
import io
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from ops import base_image
from tests.kubernetes.certificates import credentials, kubeconfig
from tests.kubernetes.images import build, digest
from tests.kubernetes.waiting import until

IMAGE = Path(__file__).parent / "image"
LABELS = {"slm-kit.test": "kubernetes"}
START_SECONDS = 180
REMOVE_SECONDS = 300
RIGHTS: Mapping[str, Any] = {
    "cap_add": ["ALL"],
    # An engine inside a small machine or a container may not have this one to give; nothing here needs it.
    "cap_drop": ["SYS_RESOURCE"],
    "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
    "devices": ["/dev/kmsg"],
    "device_cgroup_rules": ["a *:* rwm"],
    "cgroupns": "private",
    "init": True,
    "tmpfs": {"/run": "exec", "/tmp": "exec"},
    "ports": {"6443/tcp": ("127.0.0.1", 0)},
}
"""What a node needs of `privileged`, by name: that needs every right the machine could have, or fails."""


class NodeError(RuntimeError):
    """The node does not start or does not take an image; the message ends with its log."""


def built_images() -> tuple[str, str]:
    """Images of the node and of its pause container, built once a machine, in minutes."""
    node, pause = _references()
    for target, reference in (("node", node), ("pause", pause)):
        if not base_image.exists(reference):
            build(IMAGE, target, reference)
    return node, pause


def is_built() -> bool:
    """Whether this machine has the images already."""
    return all(base_image.exists(reference) for reference in _references())


def _references() -> tuple[str, str]:
    tag = digest(IMAGE)
    return f"slm-kit/test-node:{tag}", f"slm-kit/test-pause:{tag}"


class Node:
    """A running node; `kubeconfig` is its administrator's, for this machine's loopback address.

    `begun`: when it was started, on the monotonic clock.
    """

    def __init__(self, container: Container, kubeconfig: str, begun: float) -> None:
        self.container = container
        self.kubeconfig = kubeconfig
        self.begun = begun

    @property
    def address(self) -> str:
        """The node's own address, which its pods see too."""
        return str(self.container.attrs["NetworkSettings"]["IPAddress"])

    def resolves(self) -> bool:
        """Whether the names of services are known."""
        return self.container.exec_run(["curl", "-fs", "http://127.0.0.1:8181/ready"]).exit_code == 0

    def load(self, image: str, name: str | None = None) -> str:
        """Give the node an image of this machine's engine, tagged `name` first; what pods call it.

        An image that has only an id needs a `name`.
        """
        if name:
            subprocess.run(["docker", "tag", image, name], check=True)
        _import(str(self.container.id), name or image)
        return name or image


def _import(container: str, reference: str) -> None:
    """Stream the image: neither side keeps a copy of the archive."""
    into = ["docker", "exec", "-i", container, "ctr", "-n", "k8s.io", "images", "import", "-"]
    with subprocess.Popen(["docker", "save", reference], stdout=subprocess.PIPE) as saved:
        done = subprocess.run(into, stdin=saved.stdout, capture_output=True, text=True)
    if saved.returncode or done.returncode:
        raise NodeError(f"{reference} cannot be loaded: {done.stdout}{done.stderr}")


@contextlib.contextmanager
def running_node(other: str | None = None) -> Iterator[Node]:
    """Start a node and wait until its API answers; remove it with its volume at the end.

    `other`: an image made of the node's.
    """
    image, pause = built_images()
    begun = time.monotonic()
    made = credentials()
    # A busy machine takes its time to remove gigabytes.
    client = docker.from_env(timeout=REMOVE_SECONDS)
    container = client.containers.create(
        other or image, environment={"PAUSE_IMAGE": pause}, labels=LABELS, hostname="node", **RIGHTS
    )
    try:
        container.put_archive("/etc/kubernetes", _archive(made.files))
        container.start()
        _wait_until_serving(container)
        container.reload()
        port = container.attrs["NetworkSettings"]["Ports"]["6443/tcp"][0]["HostPort"]
        config = kubeconfig(f"https://127.0.0.1:{port}", made.authority, made.admin)
        node = Node(container, config, begun)
        node.load(pause)
        yield node
    finally:
        container.remove(force=True, v=True)
        client.close()


def _wait_until_serving(container: Container) -> None:
    """Until the API answers; the node ends by itself when one of its programs does."""
    ready = ["curl", "-fs", "--cacert", "/etc/kubernetes/pki/ca.crt", "https://127.0.0.1:6443/readyz"]

    def answers() -> bool:
        container.reload()
        if container.status == "exited":
            raise NodeError(f"the node ended: {container.logs(tail=60).decode()}")
        return container.status == "running" and container.exec_run(ready).exit_code == 0

    until("the API", answers, START_SECONDS)


def _archive(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
