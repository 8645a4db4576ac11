"""Secrets as Pulumi's passphrase provider keeps them: PBKDF2-SHA256 (1,000,000 rounds), AES-256-GCM."""

import base64
import hashlib
import hmac
import os
from collections.abc import MutableMapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rehearsal.errors import RehearsalError

_ROUNDS = 1_000_000
_SALT_BYTES = 8
_NONCE_BYTES = 12
_VERSION = "v1"
_KNOWN_TEXT = "pulumi"
# Source of the five: sdk/go/common/resource/config/crypt.go and pkg/secrets/passphrase/manager.go, 3.272.0.

_HOW = "put it in a file of mode 0600 and name that file in PULUMI_CONFIG_PASSPHRASE_FILE"


class Crypter:
    """Encrypts and decrypts under one salt. `salt_state` is what is stored as `encryptionsalt`."""

    def __init__(self, passphrase: str, salt_state: str | None = None) -> None:
        salt = _salt_of(salt_state) if salt_state else os.urandom(_SALT_BYTES)
        key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, _ROUNDS)
        self._aes = AESGCM(key)
        self._digest_key = hmac.digest(key, b"rehearsal: digests of shown secrets", "sha256")
        self._cache: dict[str, str] = {}
        if salt_state:
            self.salt_state = salt_state
            self._verify()
        else:
            check = self.encrypt(_KNOWN_TEXT)
            self.salt_state = f"{_VERSION}:{base64.b64encode(salt).decode()}:{check}"

    def _verify(self) -> None:
        try:
            right = self.decrypt(self.salt_state.split(":", 2)[2]) == _KNOWN_TEXT
        except InvalidTag:
            right = False
        if not right:
            raise RehearsalError(
                "the passphrase does not open the stack's secrets",
                "one passphrase belongs to one encryptionsalt",
                f"use the passphrase the stack was made with: {_HOW}",
            )

    def encrypt(self, text: str) -> str:
        """The same text gives the same ciphertext within a run: an unchanged state stays unchanged."""
        if text not in self._cache:
            nonce = os.urandom(_NONCE_BYTES)
            sealed = self._aes.encrypt(nonce, text.encode(), None)
            parts = (base64.b64encode(each).decode() for each in (nonce, sealed))
            self._cache[text] = ":".join((_VERSION, *parts))
        return self._cache[text]

    def decrypt(self, ciphertext: str) -> str:
        version, nonce, sealed = ciphertext.split(":")
        if version != _VERSION:
            raise RehearsalError(
                f"a secret is stored in format {version!r}",
                f"only {_VERSION} is known",
                "set the secret anew",
            )
        text = self._aes.decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None).decode()
        self._cache[text] = ciphertext
        return text

    def digest(self, text: str) -> str:
        """12 hex digits that change with the text and tell nothing without the passphrase."""
        return hmac.new(self._digest_key, text.encode(), "sha256").hexdigest()[:12]


def _salt_of(salt_state: str) -> bytes:
    parts = salt_state.split(":", 2)
    if len(parts) != 3 or parts[0] != _VERSION:
        raise RehearsalError(
            f"encryptionsalt {salt_state[:12]!r}… is not readable",
            "the format is v1:<salt>:<check>",
            "restore the line from a backup, or remove it and set the secrets anew",
        )
    return base64.b64decode(parts[1])


class Vault:
    """The passphrase of this run, asked for only when a secret is met."""

    def __init__(self, passphrase: str | None) -> None:
        self._passphrase = passphrase
        self._crypters: dict[str, Crypter] = {}

    @property
    def is_open(self) -> bool:
        return self._passphrase is not None

    def crypter(self, salt_state: str) -> Crypter:
        """The crypter of an existing salt. Deriving the key takes about half a second, once a salt."""
        if salt_state not in self._crypters:
            self._crypters[salt_state] = Crypter(self._required(), salt_state)
        return self._crypters[salt_state]

    def new(self) -> Crypter:
        """A crypter with a fresh salt."""
        crypter = Crypter(self._required())
        self._crypters[crypter.salt_state] = crypter
        return crypter

    def _required(self) -> str:
        if self._passphrase is None:
            raise RehearsalError("no passphrase is given", "this stack has secrets", _HOW)
        return self._passphrase


def take_passphrase(environ: MutableMapping[str, str]) -> str | None:
    """Read the passphrase as the Pulumi CLI does; the program's environment keeps no secret of Pulumi's."""
    environ.pop("PULUMI_ACCESS_TOKEN", None)
    phrase = environ.pop("PULUMI_CONFIG_PASSPHRASE", None)
    file = environ.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if phrase is not None or not file:
        return phrase
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        raise RehearsalError(
            f"PULUMI_CONFIG_PASSPHRASE_FILE={file} cannot be read ({error.strerror})",
            "it names a readable file",
            "create the file with mode 0600 or correct the path",
        ) from error
