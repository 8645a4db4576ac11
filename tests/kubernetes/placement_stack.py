"""A stack with models on pools of GPU nodes, run by the rehearsal; no pod runs, so none needs an image."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.fake_nodes import STORAGE_CLASS
from tests.stack.rig import new_stack

NAME, NAMESPACE = "test-placement", "slm-test-placement"
UP_SECONDS = 300


class PlacementStack:
    """Its commands."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._made = new_stack(NAME, 1, folder)
        self._kubeconfig, self._state = cluster.kubeconfig, folder / "state.json"
        self._passphrase = folder / "passphrase"
        self._passphrase.touch(mode=0o600)
        self._passphrase.write_text(secrets.token_hex(16))
        self._made.file.write_text("")
        key = f"slm-{secrets.token_urlsafe(32)}"
        self.must("config", "set", "--path", "--secret", "slm-kit:keySecrets.default", given=key)
        self._secret: Mapping[str, Any] = yaml.safe_load(self._made.file.read_text())

    def write(
        self, access: str, models: Sequence[Mapping[str, Any]], pools: Sequence[Mapping[str, Any]]
    ) -> None:
        """Write the stack's file, with its secrets."""
        config = {
            "target": "kubernetes",
            "modelSource": "hf",
            "models": list(models),
            "keys": [{"id": "default"}],
            "monitoring": {"enabled": False},
            "kubernetes": {
                "kubeconfig": str(self._kubeconfig),
                "namespace": NAMESPACE,
                "images": {"tag": "none"},
                "storageClass": STORAGE_CLASS,
                "sharedAccess": access,
                "gpuPools": list(pools),
                "devicePlugin": True,
            },
        }
        named = {f"slm-kit:{key}": value for key, value in config.items()}
        content = {**self._secret, "config": {**named, **self._secret["config"]}}
        self._made.file.write_text(yaml.safe_dump(content, sort_keys=False))

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
