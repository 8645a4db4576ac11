"""A store on a file share (SMB), whose files belong to whoever mounted it.

No share can be mounted where these tests run: `chmod` says what it says there.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from kit import CONTENT, Tool, web_spec
from origin import Origin


@pytest.fixture(autouse=True)
def share(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, _mode: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(path))

    monkeypatch.setattr(Path, "chmod", refuse)


def test_a_model_is_published_where_the_mount_lets_everybody_read(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT)
    spec = web_spec(f"{origin.url}/m")
    assert tool.ensure(spec).code == 0
    assert (tool.folder(spec) / "model.gguf").read_bytes() == CONTENT
    assert tool.ensure(spec).out == f"kept {spec['path']}\n"


def test_where_it_does_not_nobody_is_given_a_model_that_engines_cannot_read(
    tool: Tool, origin: Origin
) -> None:
    origin.put("/m", CONTENT)
    before = os.umask(0o077)
    try:
        result = tool.ensure(web_spec(f"{origin.url}/m"))
    finally:
        os.umask(before)
    assert result.code == 3
    assert "mount the store with file_mode=0777" in result.err
    assert tool.served() == []
