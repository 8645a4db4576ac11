"""The images that the kit's own are built on: pulled where a registry answers, else made here."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from catalog.errors import HostError
from catalog.images import base_image
from ops.docker_engine import install
from ops.say import step
from ops.shell import answers, run
from ops.trust import Trust
from stacks.config import PROXY_NAMES

SUITE = "trixie"
BUILD_BASE = "slm-kit/build-base:"
PROBE_SECONDS = 20


def registry_answers() -> bool:
    """Whether the pinned upstream base can be had, from the engine or from its registry."""
    upstream = base_image().upstream
    return exists(upstream) or answers(["docker", "manifest", "inspect", upstream], PROBE_SECONDS)


def exists(reference: str) -> bool:
    """Whether the engine has the image."""
    return answers(["docker", "image", "inspect", reference], timeout_seconds=20)


def ensure_base(mode: str) -> str:
    """Reference of the base for `upstream` or `build`, present afterwards."""
    images = base_image()
    if mode == "upstream":
        if not exists(images.upstream):
            step(f"pulling {images.upstream.partition('@')[0]}")
            run(["docker", "pull", images.upstream], why="pulling the base image")
        return images.upstream
    if not exists(images.built):
        _make(images.built)
    return images.built


def ensure_build_base(base: str, trust: Trust) -> str | None:
    """Base plus what this machine needs to reach package indexes; None where nothing is needed."""
    if not trust.needed:
        return None
    files = _machine_files(base, trust)
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:12]
    reference = f"{BUILD_BASE}{digest}"
    if not exists(reference):
        step("building the base of build stages, with this machine's authorities and index")
        named = {name: trust.downloads[key] for key, name in PROXY_NAMES.items() if key in trust.downloads}
        proxies = [part for name in named for part in ("--build-arg", name)]
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "machine").mkdir()
            for name, content in files.items():
                (Path(folder) / name).write_text(content)
            run(
                ["docker", "build", "-q", "-t", reference, *proxies, folder],
                why="building the base of build stages",
                # Values of proxies travel in the environment, not in the arguments.
                environment={**os.environ, **named, "DOCKER_BUILDKIT": "0"},
            )
    return reference


def _machine_files(base: str, trust: Trust) -> Mapping[str, str]:
    bundle, folder = (
        "/etc/ssl/certs/ca-certificates.crt",
        "/usr/local/share/ca-certificates/machine",
    )
    pip = ["[global]", f"cert = {bundle}"]
    if "indexUrl" in trust.downloads:
        pip.append(f"index-url = {trust.downloads['indexUrl']}")
    if "httpsProxy" in trust.downloads:
        pip.append(f"proxy = {trust.downloads['httpsProxy']}")
    dockerfile = f"""\
FROM {base}
LABEL slm-kit.build=1
COPY machine {folder}
RUN [ -x /usr/sbin/update-ca-certificates ] || {{ apt-get update -qq \\
    && apt-get install -y -qq --no-install-recommends ca-certificates; }}
RUN update-ca-certificates
ENV SSL_CERT_FILE={bundle} REQUESTS_CA_BUNDLE={bundle} PIP_CERT={bundle} PIP_CONFIG_FILE={folder}/pip.conf
"""
    if trust.go:
        dockerfile += f"ENV {' '.join(f'{name}={json.dumps(value)}' for name, value in trust.go.items())}\n"
    # update-ca-certificates takes one certificate a file.
    end = "-----END CERTIFICATE-----\n"
    certificates = [f"{part}{end}" for part in trust.authorities.split(end)[:-1]]
    return {"Dockerfile": dockerfile, "machine/pip.conf": "\n".join(pip) + "\n"} | {
        f"machine/{index}.crt": certificate for index, certificate in enumerate(certificates)
    }


def _make(reference: str) -> None:
    """A minimal Debian from packages alone, for machines that reach no image registry."""
    if not shutil.which("mmdebstrap"):
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise HostError(
                f"base image {reference}",
                "no image registry answers and mmdebstrap is not here to make it",
                "Install mmdebstrap, or load any Debian 13 image with `docker load` and name it in "
                "slm-kit:imageBase.",
            )
        install("mmdebstrap", "debian-archive-keyring", "ca-certificates")
    step(f"making {reference} with mmdebstrap (no image registry answers), about 30 s")
    with tempfile.TemporaryDirectory() as folder:
        archive = str(Path(folder) / "base.tar")
        run(
            [
                "mmdebstrap",
                "--variant=minbase",
                "--include=ca-certificates",
                SUITE,
                archive,
                *_mirror(),
            ],
            why="making the base image from Debian packages",
        )
        run(["docker", "import", archive, reference], why="loading the base image")


def _mirror() -> list[str]:
    """The machine's own Debian mirror, where it is a Debian with one."""
    done = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI)",
            "Created-By: Packages",
            "Origin: Debian",
            "Component: main",
        ],
        text=True,
        capture_output=True,
        check=False,
    )
    mirrors = [line for line in done.stdout.splitlines() if not line.rstrip("/").endswith("-security")]
    return mirrors[:1]
