"""Whether the nodes of a cluster can mount models as images: asked before anything is made there."""

import json
import re
import subprocess
from collections.abc import Callable
from typing import Any

from catalog.errors import KitError
from ops.kubectl import Kubectl, present
from ops.say import step

FIRST_MINOR = 33
"""Of Kubernetes 1: the first whose Pod Security `restricted` takes such a volume."""
DEFAULT_MINOR = 35
"""On by default since; before it feature gate ImageVolume must be set on API server and kubelets."""
FIRST_CONTAINERD = (2, 1)
SECONDS = 20
NEXT = "Take later nodes, or remove slm-kit:kubernetes.modelImages, which keeps models in a claim."


def check(control: Kubectl, say: Callable[[str], None] = step) -> None:
    """Refuse a server or nodes that are too old, by their versions; `say` what could not be asked.

    Raises KitError. Nodes that come later, such as those of a pool that is empty now, are not known.
    """
    if not present():
        say("no kubectl here: not asked whether the cluster's nodes can mount images (Kubernetes 1.35)")
        return
    version, nodes = _asked(control, say, "version"), _asked(control, say, "get", "nodes")
    if version is None:
        return
    server = version.get("serverVersion") or {}
    minor = int("".join(re.findall(r"^\d+", str(server.get("minor")))) or 0)
    if minor < FIRST_MINOR:
        raise KitError(
            f"Kubernetes {server.get('gitVersion')} of the cluster",
            f"volumes of images need 1.{DEFAULT_MINOR}, or 1.{FIRST_MINOR} with feature gate ImageVolume",
            NEXT,
        )
    if minor < DEFAULT_MINOR:
        say(f"Kubernetes {server.get('gitVersion')}: volumes of images need its feature gate ImageVolume")
    _check_runtimes([] if nodes is None else nodes.get("items") or [], say)


def _check_runtimes(nodes: list[Any], say: Callable[[str], None]) -> None:
    runtimes = {
        str(each["metadata"]["name"]): str(each["status"]["nodeInfo"]["containerRuntimeVersion"])
        for each in nodes
    }
    unable = {name: runtime for name, runtime in runtimes.items() if not can_mount(runtime)}
    shown = ", ".join(f"{name} has {runtime}" for name, runtime in sorted(unable.items()))
    wanted = ".".join(map(str, FIRST_CONTAINERD))
    if unable and len(unable) == len(runtimes):
        raise KitError(f"nodes: {shown}", f"volumes of images need containerd {wanted}, or CRI-O", NEXT)
    if unable:
        say(f"a model does not start on some nodes (containerd {wanted} is needed): {shown}")


def can_mount(runtime: str) -> bool:
    """Whether a node's runtime, such as `containerd://2.1.4`, mounts images; one that nobody knows may.

    Docker's does not: https://github.com/Mirantis/cri-dockerd/issues/526.
    """
    found = re.match(r"containerd://v?(\d+)\.(\d+)", runtime)
    if found is None:
        return not runtime.startswith("docker://")
    return (int(found[1]), int(found[2])) >= FIRST_CONTAINERD


def _asked(control: Kubectl, say: Callable[[str], None], *question: str) -> dict[str, Any] | None:
    """kubectl's answer; None, said, where there is none."""
    command = control.command(*question, "--output", "json", "--request-timeout", f"{SECONDS}s")
    try:
        done = subprocess.run(
            command, text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL,
            timeout=3 * SECONDS,
        )  # fmt: skip
        said = (done.stderr.strip().splitlines() or ["no word"])[-1] if done.returncode else None
    except subprocess.TimeoutExpired:
        said = "no end"
    if said is not None:
        say(f"not asked whether nodes can mount images: kubectl {' '.join(question)}: {said}")
        return None
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
