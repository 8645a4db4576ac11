"""A stack with target `kubernetes` from a copy of the checkout, run by the rehearsal."""

import functools
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
MONITORING = {name: (name, "runtime") for name in ("prometheus", "alertmanager", "collector", "loki")}
HELD = ("slm-kit:keySecrets", "slm-kit:passwords")
UP_SECONDS = 900


def load_images(cluster: Cluster, *, watched: bool = False, only: Sequence[str] = ()) -> None:
    """Give the cluster the kit's images, or `only` some, each once a session: that takes a while."""
    for name in only or IMAGES | (MONITORING if watched else {}):
        _load(cluster, name)


@functools.cache
def _load(cluster: Cluster, name: str) -> None:
    source, target = {**IMAGES, **MONITORING}[name]
    cluster.load(build(ROOT / "docker" / source, target, f"slm-kit/{name}:{TAG}"))


class WorkloadStack:
    """Its commands; `key` is the API key. `watched`: whether it has a monitoring set, with `password`;
    `scaling`: of its model; `models`: others in its place, which run elsewhere."""

    def __init__(
        self,
        cluster: Cluster,
        folder: Path,
        name: str = NAME,
        namespace: str = NAMESPACE,
        *,
        watched: bool = False,
        scaling: Mapping[str, Any] | None = None,
        models: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.name, self.namespace, self._watched = name, namespace, watched
        self._scaled = {} if scaling is None else {"scaling": dict(scaling)}
        self._models = list(models)
        load_images(cluster, watched=watched, only=("gateway",) if models else ())
        self._made = new_stack(name, 1, folder)
        self._passphrase = folder / "passphrase"
        self._passphrase.touch(mode=0o600)
        self._passphrase.write_text(secrets.token_hex(16))
        self._state = folder / "state.json"
        self._authorities = folder / "authorities.pem"
        self._authorities.write_text(trust.find().authorities)
        self.kubeconfig = cluster.kubeconfig
        self.key = f"slm-{secrets.token_urlsafe(32)}"
        self.password = secrets.token_urlsafe(32)
        self.write()
        self._keep("keySecrets.default", self.key)
        if watched:
            self._keep("passwords.monitoring", self.password)

    def write(self, **kubernetes: Any) -> None:
        """Write the stack's file, with what is given for the cluster; keeps its secrets."""
        kept: Mapping[str, Any] = yaml.safe_load(self._made.file.read_text()) or {}
        config: dict[str, Any] = {
            "target": "kubernetes",
            "kubernetes": {
                "kubeconfig": str(self.kubeconfig), "namespace": self.namespace, "images": {"tag": TAG},
                "storeGib": 1, "cpuShare": 0.1, **kubernetes,
            },
            "models": self._models or [
                {"name": MODEL, "engine": "onnx", "contextLength": 1024, "concurrency": 2, **self._scaled}
            ],
            "keys": [{"id": "default"}],
            "modelSource": "pypi",
            "monitoring": {"enabled": self._watched},
        }  # fmt: skip
        if self._authorities.stat().st_size:
            config["certificateAuthorities"] = str(self._authorities)
        held = {key: value for key, value in kept.get("config", {}).items() if key in HELD}
        named = {f"slm-kit:{key}": value for key, value in config.items()}
        kept = {**kept, "config": {**named, **held}}
        self._made.file.write_text(yaml.safe_dump(kept, sort_keys=False))

    def must(self, verb: str, *arguments: str, given: str | None = None) -> str:
        """`python -m rehearsal VERB`; shows what it said when it fails."""
        done = subprocess.run(
            self._command(verb, *arguments), text=True, input=given, timeout=UP_SECONDS, check=False,
            cwd=self._made.checkout, env=self._environment(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    @contextmanager
    def started(self, verb: str, said: Path) -> Iterator["subprocess.Popen[str]"]:
        """`python -m rehearsal VERB` while the block runs, and its end; what it says goes to a file."""
        with (
            said.open("w") as out,
            subprocess.Popen(
                self._command(verb), text=True, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, cwd=self._made.checkout, env=self._environment(),
            ) as process,
        ):  # fmt: skip
            try:
                yield process
                process.wait(UP_SECONDS)
            finally:
                # Not SIGTERM: after that it still finishes what it waits for.
                process.kill()

    def _command(self, verb: str, *arguments: str) -> list[str]:
        where = ("--stack", self.name, "--state", str(self._state))
        return [sys.executable, "-m", "rehearsal", verb, *arguments, *where]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._passphrase)}

    def _keep(self, key: str, secret: str) -> None:
        self.must("config", "set", "--path", "--secret", f"slm-kit:{key}", given=secret)

    @property
    def state(self) -> str:
        """The state file's text."""
        return self._state.read_text()
