"""A stack with target `kubernetes` from a copy of the checkout, run by the rehearsal."""

import functools
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ops import trust
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.images import build
from tests.stack.rig import new_stack

ROOT = Path(__file__).parents[2]
NAME, NAMESPACE, TAG = "test-workloads", "slm-test-workloads", "test-kubernetes"
MODEL = "smollm2-135m-instruct"
IMAGES = {
    "gateway": ("gateway", "runtime"),
    "onnx-server": ("onnx-server", "runtime"),
    "model-tools-convert": ("model-tools", "convert"),
}
UP_SECONDS = 900


@functools.cache
def load_images(cluster: Cluster) -> None:
    """Give the cluster the kit's images, once a session: the converter's takes a while."""
    for name, (source, target) in IMAGES.items():
        cluster.load(build(ROOT / "docker" / source, target, f"slm-kit/{name}:{TAG}"))


class WorkloadStack:
    """Its commands; `key` is the API key."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        load_images(cluster)
        self._made = new_stack(NAME, 1, folder)
        self._passphrase = folder / "passphrase"
        self._passphrase.touch(mode=0o600)
        self._passphrase.write_text(secrets.token_hex(16))
        self._state = folder / "state.json"
        self._authorities = folder / "authorities.pem"
        self._authorities.write_text(trust.find().authorities)
        self.kubeconfig = cluster.kubeconfig
        self.key = f"slm-{secrets.token_urlsafe(32)}"
        self.write()
        self.must("config", "set", "--path", "--secret", "slm-kit:keySecrets.default", given=self.key)

    def write(self, **kubernetes: Any) -> None:
        """Write the stack's file, with what is given for the cluster; keeps its secrets."""
        kept: Mapping[str, Any] = yaml.safe_load(self._made.file.read_text()) or {}
        config: dict[str, Any] = {
            "target": "kubernetes",
            "kubernetes": {
                "kubeconfig": str(self.kubeconfig), "namespace": NAMESPACE, "images": {"tag": TAG},
                "storeGib": 1, "cpuShare": 0.1, **kubernetes,
            },
            "models": [{"name": MODEL, "engine": "onnx", "contextLength": 1024, "concurrency": 2}],
            "keys": [{"id": "default"}],
            "modelSource": "pypi",
            "monitoring": {"enabled": False},
        }  # fmt: skip
        if self._authorities.stat().st_size:
            config["certificateAuthorities"] = str(self._authorities)
        old = kept.get("config", {}).get("slm-kit:keySecrets")
        named = {f"slm-kit:{key}": value for key, value in config.items()}
        kept = {**kept, "config": {**named, **({"slm-kit:keySecrets": old} if old else {})}}
        self._made.file.write_text(yaml.safe_dump(kept, sort_keys=False))

    def must(self, verb: str, *arguments: str, given: str | None = None) -> str:
        """`python -m rehearsal VERB`; shows what it said when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "rehearsal", verb, *arguments, "--stack", NAME,
             "--state", str(self._state)],
            cwd=self._made.checkout, text=True, input=given, timeout=UP_SECONDS, check=False,
            env={**os.environ, "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._passphrase)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    @property
    def state(self) -> str:
        """The state file's text."""
        return self._state.read_text()
