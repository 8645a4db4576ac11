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
from ops.trust import system_trust

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
        with httpx.Client(follow_redirects=True, timeout=timeout, verify=system_trust()) as client:
            sums = client.get(f"{releases}/pulumi-{VERSION}-checksums.txt").raise_for_status().text
            rows = [line.split() for line in sums.splitlines()]
            wanted = {row[1]: row[0] for row in rows if len(row) == 2}
            step(f"fetching the Pulumi CLI {VERSION} into .pulumi-cli/")
            content = client.get(f"{releases}/{archive}").raise_for_status().content
    except httpx.HTTPError:
        step("no Pulumi CLI on PATH, and its release site does not answer")
        return False
    if hashlib.sha256(content).hexdigest() != wanted.get(archive):
        step(f"{archive} is not what its checksum says: not used")
        return False
    unpacked = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as opened:
        if hasattr(tarfile, "data_filter"):
            opened.extractall(unpacked, filter="data")
        else:
            # Python before 3.11.4 (Debian 12's) has no filters; the content was verified above.
            opened.extractall(unpacked)
    # In one step: an interruption leaves no half of a program that looks like one.
    shutil.rmtree(folder, ignore_errors=True)
    unpacked.rename(folder)
    return True
