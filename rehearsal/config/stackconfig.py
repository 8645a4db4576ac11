"""The file of a stack's configuration, `Pulumi.<stack>.yaml`, and the secrets in it."""

import hashlib
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from rehearsal.config.project import read_yaml
from rehearsal.errors import RehearsalError
from rehearsal.state.atomic import write_atomically
from rehearsal.state.crypto import Crypter, Vault
from rehearsal.values import Secret, map_children

_NEW_FILE_MODE = 0o644


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


class StackFile:
    """One `Pulumi.<stack>.yaml`; comments and the order of what is not changed are kept."""

    def __init__(self, path: Path, project: str) -> None:
        self.path = path
        self._project = project
        if path.is_file():
            read_yaml(path)
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        self._content: Any = _yaml().load(text) or {}
        if not isinstance(self._content, dict):
            raise RehearsalError(f"{path} is no mapping", "`config:` holds the keys", "correct it")
        if "secretsprovider" in self._content and self._content["secretsprovider"] != "passphrase":
            raise RehearsalError(
                f"secretsprovider {self._content['secretsprovider']!r} in {path}",
                "the rehearsal knows the passphrase provider only",
                "use the Pulumi CLI, or change the provider to passphrase",
            )
        if self._content.get("environment"):
            raise RehearsalError(
                f"`environment` in {path}",
                "the rehearsal does not implement Pulumi ESC",
                "put the values under `config:`",
            )

    @property
    def salt(self) -> str | None:
        salt: str | None = self._content.get("encryptionsalt")
        return salt

    def full_key(self, key: str) -> str:
        """`project:key`; the old spelling `project:config:key` is understood."""
        parts = key.split(":")
        if len(parts) == 3 and parts[1] == "config":
            parts.pop(1)
        return ":".join(parts if len(parts) > 1 else (self._project, key))

    def raw(self) -> dict[str, Any]:
        """Values as stored, secrets still as `{"secure": …}`."""
        config = self._content.get("config") or {}
        return {self.full_key(str(key)): value for key, value in config.items()}

    def values(self, vault: Vault, placeholder: str = "") -> dict[str, Any]:
        """Values with `Secret` where the file has `secure:`.

        The passphrase is needed only then, and not even then if a `placeholder` may stand for a secret: with
        digits of its ciphertext behind it, as programs may ask that no two are alike.
        """
        return {key: self._opened(value, vault, placeholder) for key, value in self.raw().items()}

    def _opened(self, value: Any, vault: Vault, placeholder: str) -> Any:
        if isinstance(value, Mapping) and set(value) == {"secure"}:
            if placeholder and not vault.is_open:
                return Secret(placeholder + hashlib.sha256(str(value["secure"]).encode()).hexdigest()[:12])
            if self.salt is None:
                raise RehearsalError(
                    f"{self.path} has secrets and no encryptionsalt",
                    "they cannot be opened without it",
                    "restore the line from a backup, or set the secrets anew",
                )
            return Secret(vault.crypter(self.salt).decrypt(str(value["secure"])))
        return map_children(value, lambda each: self._opened(each, vault, placeholder))

    def crypter(self, vault: Vault, fallback_salt: str | None = None) -> Crypter:
        """The crypter for new secrets; makes the salt line where there is none."""
        salt = self.salt or fallback_salt
        crypter = vault.crypter(salt) if salt else vault.new()
        self._content["encryptionsalt"] = crypter.salt_state
        return crypter

    def set_raw(self, key: str, value: Any) -> None:
        config = self._content.get("config")
        if config is None:
            config = self._content["config"] = {}
        config[self._stored_key(key)] = value

    def remove(self, key: str) -> bool:
        config = self._content.get("config") or {}
        return config.pop(self._stored_key(key), None) is not None

    def _stored_key(self, key: str) -> str:
        stored = (self._content.get("config") or {}).keys()
        return next(
            (each for each in stored if self.full_key(each) == self.full_key(key)),
            self.full_key(key),
        )

    def save(self) -> None:
        buffer = StringIO()
        _yaml().dump(self._content, buffer)
        write_atomically(self.path, buffer.getvalue(), _NEW_FILE_MODE)
