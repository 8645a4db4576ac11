"""A store on a file share (SMB), whose files belong to whoever mounted it.

No share can be mounted where these tests run: `chmod` says what it says there.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from kit import CONTENT, Result, Tool, web_spec
from origin import Origin


@pytest.fixture(autouse=True)
def share(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, _mode: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(path))

    monkeypatch.setattr(Path, "chmod", refuse)


def ensured(tool: Tool, origin: Origin, umask: int) -> Result:
    """A model whose files have the mode that this mask leaves."""
    origin.put("/m", CONTENT)
    before = os.umask(umask)
    try:
        return tool.ensure(web_spec(f"{origin.url}/m"))
    finally:
        os.umask(before)


@pytest.mark.parametrize("umask", [0o022, 0o027], ids=["everybody", "the engines' group"])
def test_a_model_is_published_where_the_mount_lets_engines_read(
    tool: Tool, origin: Origin, umask: int
) -> None:
    assert ensured(tool, origin, umask).code == 0
    spec = web_spec(f"{origin.url}/m")
    assert (tool.folder(spec) / "model.gguf").read_bytes() == CONTENT
    assert tool.ensure(spec).out == f"kept {spec['path']}\n"


@pytest.mark.parametrize(("umask", "group"), [(0o077, True), (0o027, False)], ids=["nobody", "another group"])
def test_where_it_does_not_nobody_is_given_a_model_that_engines_cannot_read(
    tool: Tool, origin: Origin, monkeypatch: pytest.MonkeyPatch, umask: int, group: bool
) -> None:
    if not group:
        monkeypatch.setattr(os, "getgid", lambda: 4_711)
    result = ensured(tool, origin, umask)
    assert result.code == 3
    assert "mount the store with gid=" in result.err
    assert tool.served() == []
