"""One run of one stack: its files, its passphrase, its state, put together once."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rehearsal.backends import Factory
from rehearsal.config.configuration import Config, resolve_config
from rehearsal.config.project import Project
from rehearsal.config.stackconfig import StackFile
from rehearsal.engine.operations import Preview, Update
from rehearsal.engine.providers import Providers
from rehearsal.engine.report import Reporter
from rehearsal.errors import RehearsalError
from rehearsal.state.checkpoint import Snapshot, read_snapshot
from rehearsal.state.crypto import Crypter, Vault
from rehearsal.state.entries import outputs_of
from rehearsal.state.journal import Journal
from rehearsal.values import Secret, secret_paths


def default_state(project: str, stack: str) -> Path:
    """`${XDG_STATE_HOME:-~/.local/state}/<project>/<stack>.json`."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / project / f"{stack}.json"


@dataclass
class Session:
    """Everything a verb needs. Nothing is read or decrypted before it is used."""

    project: Project
    stack: str
    vault: Vault
    factories: Mapping[str, Factory]
    write: Callable[[str], None]
    state_file: Path | None = None
    config_file: Path | None = None
    parallel: int = 16
    _crypters: list[Crypter] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return self.state_file or default_state(self.project.name, self.stack)

    @cached_property
    def stack_file(self) -> StackFile:
        path = self.config_file or self.project.stack_file(self.stack)
        return StackFile(path, self.project.name)

    def config(self, placeholder: str = "") -> Config:
        """The program's configuration, checked against the schema."""
        stored = self.stack_file.values(self.vault, placeholder)
        return resolve_config(self.project, self.stack, stored)

    def snapshot(self) -> Snapshot:
        """The state as it is on disk."""
        name = f"organization/{self.project.name}/{self.stack}"
        return read_snapshot(self.state, name, self.vault)

    def _crypter(self, snapshot: Snapshot) -> Crypter:
        if not self._crypters:
            salt = self.stack_file.salt or snapshot.salt
            self._crypters.append(self.vault.crypter(salt) if salt else self.vault.new())
        return self._crypters[0]

    def operations(self, *, preview: bool) -> Preview:
        """The journal over the state and what acts on it."""
        snapshot = self.snapshot()
        providers = Providers(self.factories)
        for each in snapshot.resources:
            if each.type.startswith("pulumi:providers:"):
                providers.configure(each.urn, each.inputs)
        path = None if preview else self.state
        journal = Journal(path, snapshot, lambda: self._crypter(snapshot))
        kind = Preview if preview else Update
        return kind(journal, providers, Reporter(self.write))

    def digest(self) -> Callable[[Any], str]:
        """Masks a secret; with the passphrase at hand, by a keyed digest that tells when it changes."""
        salt = self.stack_file.salt
        if not salt or not self.vault.is_open:
            return lambda _: "[secret]"
        crypter = self.vault.crypter(salt)
        return lambda value: f"[secret {crypter.digest(repr(value))}]"

    def referenced(self, name: str) -> dict[str, Any]:
        """The properties of a StackReference: the outputs in another stack's state file."""
        *_, project, stack = [self.project.name, *name.split("/")]
        same_folder = self.state_file is not None and project == self.project.name
        path = self.state.with_name(f"{stack}.json") if same_folder else default_state(project, stack)
        if not path.is_file():
            raise RehearsalError(
                f"stack reference {name!r}: no state at {path}",
                "the rehearsal reads its own state files only",
                f"run `up` for {name} first",
            )
        outputs = outputs_of(read_snapshot(path, name, self.vault).resources)
        secret = sorted(key for key, value in outputs.items() if any(True for _ in secret_paths(value)))
        return {
            "name": name,
            "outputs": {key: _secret(value) if key in secret else value for key, value in outputs.items()},
            "secretOutputNames": secret,
        }


def _secret(value: Any) -> Any:
    return value if isinstance(value, Secret) else Secret(value)
