"""`make render`: everything that a stack would be, and nothing is made, written or forgotten for it."""

import secrets
import shutil
import tempfile
from pathlib import Path

from ops import decide, edge, keys
from ops.paths import passphrase_place, write_private
from ops.runner import Rehearsal
from ops.stack_settings import settings_from
from ops.targets import AZURE, EDGE
from stacks.stack_file import content_of

UNMADE = "made by the first make up"
"""Stands for each key and password that is not there yet."""


def render(stack: str) -> None:
    """Print every resource of the stack as JSON; of one without a file, as its example has it."""
    file = decide.source(stack)
    written = decide.read(file)
    target = decide.target_of(stack, written)
    if target == EDGE:
        edge.settings_from(written)
    elif target != AZURE:
        settings_from(written, with_secrets=False)
    with tempfile.TemporaryDirectory() as folder:
        used = _Rendered(stack, file, Path(folder))
        if target != AZURE:
            for place in keys.unmade(written, passwords=target != EDGE):
                used.set_config(place, UNMADE, secret=True, path=True)
        used.show("render", "--json")


class _Rendered(Rehearsal):
    """The rehearsal on a copy of the stack's file, with the stack's passphrase where there is one."""

    def __init__(self, stack: str, file: Path, folder: Path) -> None:
        super().__init__(stack)
        self._config, self._passphrase = folder / file.name, passphrase_place(stack)
        shutil.copyfile(file, self._config)
        if not self._passphrase.exists() and "encryptionsalt" not in content_of(file):
            self._passphrase = folder / "passphrase"
            write_private(self._passphrase, secrets.token_urlsafe(32))

    def command(self, verb: str, *arguments: str, stack: str | None = None) -> list[str]:
        """The rehearsal's, told of the copy."""
        return [*super().command(verb, *arguments, stack=stack), "--config-file", str(self._config)]

    def passphrase(self) -> Path | None:
        """None: another machine's, and what it encrypted is shown as a placeholder."""
        return self._passphrase if self._passphrase.exists() else None
