"""`make render`: everything that a stack would be, and nothing is made, written or forgotten for it."""

import os
import shutil
import tempfile
from pathlib import Path

from ops import decide, edge, keys
from ops.paths import passphrase_place
from ops.runner import Rehearsal
from ops.stack_settings import settings_from
from ops.targets import AZURE, EDGE
from stacks.stack_file import config_of

UNMADE = "made by the first make up"
"""Begins what stands for each key and password that is not there yet; no two may be alike."""


def render(stack: str) -> None:
    """Print every resource of the stack as JSON; of one without a file, as its example has it."""
    file = decide.source(stack)
    written = config_of(file)
    target = decide.target_of(stack, written)
    if target == EDGE:
        edge.settings_from(written)
    elif target != AZURE:
        settings_from(written, with_secrets=False)
    with tempfile.TemporaryDirectory() as folder:
        used = _Rendered(stack, file, Path(folder))
        if target != AZURE:
            for place in keys.unmade(written, passwords=target != EDGE):
                used.stand_for(place)
        used.show("render", "--json")


class _Rendered(Rehearsal):
    """The rehearsal on a copy of the stack's file, with the stack's passphrase where it is here."""

    def __init__(self, stack: str, file: Path, folder: Path) -> None:
        super().__init__(stack)
        self._config, self._passphrase = folder / file.name, passphrase_place(stack)
        shutil.copyfile(file, self._config)

    def command(self, verb: str, *arguments: str, stack: str | None = None) -> list[str]:
        """The rehearsal's, told of the copy."""
        return [*super().command(verb, *arguments, stack=stack), "--config-file", str(self._config)]

    def passphrase(self) -> Path | None:
        """None: another machine's, or not made yet. Secrets are shown as placeholders, and none is opened."""
        return self._passphrase if self._passphrase.exists() else None

    def stand_for(self, place: str) -> None:
        """Put a text of its own into the copy for a secret that is not made yet."""
        text = f"{UNMADE}: {place}"
        if self.passphrase() or "PULUMI_CONFIG_PASSPHRASE" in os.environ:
            self.set_config(place, text, secret=True, path=True)
        else:
            # A ciphertext as the file has them, which nobody opens.
            self.set_config(f"{place}.secure", text, path=True)
