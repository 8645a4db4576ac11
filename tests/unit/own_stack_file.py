"""A stack's file of a test's own, for the commands."""

from pathlib import Path

import pytest

from ops import cleanup, decide, paths, removal, stack_settings

STACK = "unit"


def own_stack_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands look for the file of every stack from now on; its state is in that folder, too."""
    file = folder / f"Pulumi.{STACK}.yaml"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    for module in (cleanup, decide, paths, removal, stack_settings):
        monkeypatch.setattr(module, "stack_file", lambda _: file)
    return file
