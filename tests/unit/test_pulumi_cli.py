"""The CLI's installer against a release site of the test's own: pinned, verified, or not used at all."""

import functools
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import pulumi_cli

ARCHIVES = [
    f"pulumi-v{pulumi_cli.VERSION}-{system}-{machine}.tar.gz"
    for system in ("linux", "darwin")
    for machine in ("x64", "arm64")
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address and folder of a release with one archive for each kind of machine."""
    folder = tmp_path / "release"
    folder.mkdir()
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        program = b"#!/bin/sh\necho v0\n"
        entry = tarfile.TarInfo("pulumi/pulumi")
        entry.size, entry.mode = len(program), 0o755
        archive.addfile(entry, io.BytesIO(program))
    for name in ARCHIVES:
        (folder / name).write_bytes(content.getvalue())
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    sums = "".join(f"{digest}  {name}\n" for name in ARCHIVES)
    (folder / f"pulumi-{pulumi_cli.VERSION}-checksums.txt").write_text(sums)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()


def test_a_verified_release_is_unpacked_ready_to_run(site: tuple[str, Path], tmp_path: Path) -> None:
    assert pulumi_cli.install_cli(site[0], tmp_path / "cli")
    program = tmp_path / "cli" / "pulumi" / "pulumi"
    assert program.stat().st_mode & 0o111


def test_a_damaged_release_is_not_used(site: tuple[str, Path], tmp_path: Path) -> None:
    for name in ARCHIVES:
        (site[1] / name).write_bytes(b"something else")
    assert not pulumi_cli.install_cli(site[0], tmp_path / "cli")
    assert not (tmp_path / "cli").exists()


def test_a_site_without_the_release_is_no_error(site: tuple[str, Path], tmp_path: Path) -> None:
    assert not pulumi_cli.install_cli(f"{site[0]}/elsewhere", tmp_path / "cli")
