"""A stack with target `edge`: a site on this machine's Docker engine, one on the cluster behind a relay."""

import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from ops import trust
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.relay import Relay
from tests.kubernetes.workload_stack import IMAGES, TAG, load_images
from tests.stack.rig import Stack, new_stack

NAME = "test-edge"
MODEL = "smollm2-135m-instruct"
PORT = 18591
LOADED = "localhost/slm-kit"
UP_SECONDS = 900
PREFIX = "slm-kit:"


class EdgeStack:
    """Its commands; `keys` are the API keys by site, which are their ids too."""

    def __init__(self, cluster: Cluster, relay: Relay, engine: str, folder: Path) -> None:
        load_images(cluster)
        _name_locally()
        self.docker: Stack = new_stack(NAME, PORT, folder)
        self.state = folder / "state.json"
        self._passphrase = folder / "passphrase"
        self._passphrase.touch(mode=0o600)
        self._passphrase.write_text(secrets.token_hex(16))
        self._write(_sites(engine, _through(cluster.kubeconfig, relay.port, folder)), _authorities(folder))
        self.keys = {site: f"slm-{secrets.token_urlsafe(32)}" for site in ("shop", "plant")}
        for site, key in self.keys.items():
            done = self.run("config", "set", "--path", "--secret", f"slm-kit:keySecrets.{site}", given=key)
            assert done.returncode == 0, done.stdout

    def _write(self, sites: list[dict[str, Any]], authorities: Path | None) -> None:
        config: dict[str, Any] = {"target": "edge", "modelSource": "pypi", "sites": sites}
        if authorities is not None:
            config["certificateAuthorities"] = str(authorities)
        named = {f"{PREFIX}{key}": value for key, value in config.items()}
        self.docker.file.write_text(yaml.safe_dump({"config": named}, sort_keys=False))

    def change(self, site: str, **settings: Any) -> None:
        """Change settings of a site."""
        content = yaml.safe_load(self.docker.file.read_text())
        (found,) = (each for each in content["config"][f"{PREFIX}sites"] if each["name"] == site)
        found.update(settings)
        self.docker.file.write_text(yaml.safe_dump(content, sort_keys=False))

    def run(self, verb: str, *arguments: str, given: str | None = None) -> "subprocess.CompletedProcess[str]":
        """`python -m rehearsal VERB`."""
        return subprocess.run(
            [sys.executable, "-m", "rehearsal", verb, *arguments, "--stack", NAME,
             "--state", str(self.state)],
            cwd=self.docker.checkout, text=True, input=given, timeout=UP_SECONDS, check=False,
            env={**os.environ, "PULUMI_CONFIG_PASSPHRASE_FILE": str(self._passphrase)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def up(self) -> "subprocess.CompletedProcess[str]":
        """As with the Pulumi CLI."""
        return self.run("up", "--continue-on-error")


def _name_locally() -> None:
    """The images that were built, under the prefix of those that were loaded into the site's engine."""
    for name in IMAGES:
        subprocess.run(
            ["docker", "tag", f"slm-kit/{name}:{TAG}", f"{LOADED}/{name}:{TAG}"],
            check=True, capture_output=True,
        )  # fmt: skip


def _sites(engine: str, kubeconfig: Path) -> list[dict[str, Any]]:
    models = [{"name": MODEL, "engine": "onnx", "contextLength": 1024, "concurrency": 2}]
    cluster = {"kubeconfig": str(kubeconfig), "images": {"tag": TAG}, "storeGib": 1, "cpuShare": 0.1}
    common: dict[str, Any] = {"hardware": "cpu-2", "models": models}
    return [
        {"name": "shop", "location": "de-hamburg", "ring": "canary", "keys": [{"id": "shop"}], **common,
         "docker": {"host": engine, "gatewayPort": PORT, "images": {"prefix": LOADED, "tag": TAG}}},
        {"name": "plant", "location": "fr-lyon", "keys": [{"id": "plant"}], **common,
         "kubernetes": cluster},
    ]  # fmt: skip


def _through(kubeconfig: Path, port: int, folder: Path) -> Path:
    """The kubeconfig with the relay's port."""
    content = yaml.safe_load(kubeconfig.read_text())
    for each in content["clusters"]:
        each["cluster"]["server"] = f"https://127.0.0.1:{port}"
    path = folder / "plant.yaml"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content))
    return path


def _authorities(folder: Path) -> Path | None:
    found = trust.find().authorities
    if not found:
        return None
    path = folder / "authorities.pem"
    path.write_text(found)
    return path
