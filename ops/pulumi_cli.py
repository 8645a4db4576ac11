"""The official Pulumi CLI, fetched into the checkout where its site answers."""

import hashlib
import io
import platform
import shutil
import tarfile
from pathlib import Path

import httpx

from ops.paths import CHECKOUT
from ops.say import step

VERSION = "3.272.0"
RELEASES = f"https://github.com/pulumi/pulumi/releases/download/v{VERSION}"
FOLDER = CHECKOUT / ".pulumi-cli"
CONNECT_SECONDS = 5


def install_cli(releases: str = RELEASES, folder: Path = FOLDER) -> bool:
    """Fetch the pinned CLI into `folder` and verify its checksum; False where it cannot be had.

    The checksum file comes from the same release: it guards against damage, not against a forged
    release. Windows is not supported.
    """
    system = platform.system().lower()
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    if system not in ("linux", "darwin") or machine is None:
        return False
    archive = f"pulumi-v{VERSION}-{system}-{machine}.tar.gz"
    timeout = httpx.Timeout(60, connect=CONNECT_SECONDS)
    try:
        with httpx.Client(follow_redirects=True, timeout=timeout) as client:
            sums = client.get(f"{releases}/pulumi-{VERSION}-checksums.txt").raise_for_status().text
            wanted = {line.split()[1]: line.split()[0] for line in sums.splitlines() if line.strip()}
            step(f"fetching the Pulumi CLI {VERSION} into .pulumi-cli/")
            content = client.get(f"{releases}/{archive}").raise_for_status().content
    except httpx.HTTPError:
        step("no Pulumi CLI on PATH, and its release site does not answer")
        return False
    if hashlib.sha256(content).hexdigest() != wanted.get(archive):
        step(f"{archive} is not what its checksum says: not used")
        return False
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as opened:
        opened.extractall(folder, filter="data")
    return True
