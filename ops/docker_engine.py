"""A Docker engine that answers: the one that is there, or Debian's own, installed and started."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from catalog.errors import HostError
from ops.paths import state_folder
from ops.say import step
from ops.shell import answers, run

START_SECONDS = 60


def ensure() -> None:
    """Return when `docker info` answers. Raises HostError where the kit may not install one."""
    if answers(["docker", "info"], timeout_seconds=20):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get") or os.environ.get("DOCKER_HOST"):
        require()
    if not (shutil.which("dockerd") and shutil.which("docker")):
        install("docker.io", "iptables")
    _start()


def require() -> None:
    """Raise HostError, with Docker's own words, where no engine answers."""
    done = (
        subprocess.run(["docker", "info"], text=True, capture_output=True, check=False)
        if shutil.which("docker")
        else None
    )
    if done is not None and done.returncode == 0:
        return
    said = done.stderr.strip() if done is not None else "there is no docker command"
    raise HostError(
        "Docker engine",
        f"does not answer ({said})",
        "Start Docker (or Docker Desktop), or join the group `docker`, and run again; as root on Debian "
        "or Ubuntu, without DOCKER_HOST, `make up` installs the distribution's own.",
    )


def install(*packages: str) -> None:
    """Install packages of the distribution, announced."""
    wanted = list(packages)
    step(f"apt-get install {' '.join(wanted)} (no Docker engine or tool of that name here)")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # One broken third-party list must not stop an installation from the others.
    subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False, capture_output=True)
    if "docker.io" in wanted and answers(["apt-cache", "show", "docker-cli"], 20):
        # Debian 13 ships the client apart.
        wanted.append("docker-cli")
    run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted],
        why="the package manager's own words",
        environment=environment,
    )


def _start() -> None:
    if answers(["docker", "info"], timeout_seconds=5):
        return
    log = state_folder() / "dockerd.log"
    if Path("/run/systemd/system").is_dir():
        step("starting Docker: systemctl enable --now docker")
        run(["systemctl", "enable", "--now", "docker"], why="starting the Docker service")
    else:
        step(f"starting Docker: dockerd (no systemd here), log {log}")
        with log.open("ab") as output:
            subprocess.Popen(
                ["dockerd"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if answers(["docker", "info"], timeout_seconds=5):
            return
        time.sleep(1)
    raise HostError("Docker engine", f"did not answer within {START_SECONDS} s", f"See {log} or journalctl.")


def info() -> dict[str, Any]:
    """What the engine says of itself: MemTotal in bytes, NCPU, DockerRootDir, …"""
    said = run(["docker", "info", "--format", "{{json .}}"], why="the Docker engine's own words")
    parsed: dict[str, Any] = json.loads(said)
    return parsed
