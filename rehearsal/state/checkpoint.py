"""State in Pulumi's own format, checkpoint version 3 (sdk/go/common/apitype/core.go, 3.272.0)."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.program.sdk import SDK_VERSION
from rehearsal.state.crypto import Crypter, Vault
from rehearsal.values import SECRET_SIGNATURE, SIGNATURE, Secret, map_children, plain

_VERSION = 3
_SAME_NAME = (
    *("urn", "type", "custom", "id", "inputs", "outputs", "parent", "provider", "dependencies"),
    *("protect", "external", "delete", "created", "modified"),
)
_FIELDS = {name: name for name in _SAME_NAME} | {
    "init_errors": "initErrors",
    "property_dependencies": "propertyDependencies",
    "additional_secret_outputs": "additionalSecretOutputs",
    "custom_timeouts": "customTimeouts",
    "retain_on_delete": "retainOnDelete",
    "ignore_changes": "ignoreChanges",
    "replace_on_changes": "replaceOnChanges",
}


@dataclass(frozen=True, eq=False)
class Resource:
    """One entry of the state. Never changed, only replaced; values may hold `Secret`."""

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    protect: bool = False
    external: bool = False
    retain_on_delete: bool = False
    delete: bool = False
    """Replaced and waiting for its deletion."""
    init_errors: tuple[str, ...] = ()
    """With `delete`: left behind by a creation that failed."""
    additional_secret_outputs: tuple[str, ...] = ()
    custom_timeouts: dict[str, Any] = field(default_factory=dict)
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    created: str = ""
    modified: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    """What another writer stored and the rehearsal does not use."""

    @property
    def provider_urn(self) -> str:
        return self.provider.rsplit("::", 1)[0]

    def needs(self) -> set[str]:
        """URNs that must exist as long as this resource does."""
        return {*self.dependencies, self.parent, self.provider_urn} - {""}


@dataclass(frozen=True)
class Operation:
    """Something begun and not known to have ended. `existed`: what had that name before a creation."""

    type: str
    resource: Resource
    existed: str = ""


@dataclass
class Snapshot:
    """A whole state file."""

    stack: str
    resources: list[Resource] = field(default_factory=list)
    pending: list[Operation] = field(default_factory=list)
    salt: str = ""


def now() -> str:
    """RFC 3339, as Go writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def encode(resource: Resource, crypter: Crypter | None) -> dict[str, Any]:
    """A checkpoint entry; fields at their default are left out."""
    entry = dict(resource.extra)
    for name, key in _FIELDS.items():
        value = getattr(resource, name)
        if name in ("inputs", "outputs"):
            value = _sealed(value, crypter)
        if value or key == "custom":
            entry[key] = list(value) if isinstance(value, tuple) else value
    return entry


def _sealed(value: Any, crypter: Crypter | None) -> Any:
    if isinstance(value, Secret):
        if crypter is None:
            raise RehearsalError(
                "a secret would be stored without a passphrase",
                "state holds secrets encrypted only",
                "name a file with the passphrase in PULUMI_CONFIG_PASSPHRASE_FILE",
            )
        text = json.dumps(plain(value.value), separators=(",", ":"), sort_keys=True)
        return {SIGNATURE: SECRET_SIGNATURE, "ciphertext": crypter.encrypt(text)}
    return map_children(value, lambda each: _sealed(each, crypter))


def decode(entry: dict[str, Any], open_secret: Any) -> Resource:
    """A checkpoint entry as a Resource; `open_secret` decrypts a ciphertext."""
    known: dict[str, Any] = {}
    for name, key in _FIELDS.items():
        if key in entry:
            value = entry[key]
            if name in ("inputs", "outputs"):
                value = _opened(value, open_secret)
            known[name] = tuple(value) if _is_tuple(name) else value
    extra = {key: value for key, value in entry.items() if key not in _FIELDS.values()}
    return Resource(**known, extra=extra)


def _is_tuple(name: str) -> bool:
    return str(Resource.__annotations__[name]).startswith("tuple")


def _opened(value: Any, open_secret: Any) -> Any:
    if isinstance(value, dict) and value.get(SIGNATURE) == SECRET_SIGNATURE:
        text = value.get("plaintext")
        return Secret(json.loads(text if text is not None else open_secret(value["ciphertext"])))
    return map_children(value, lambda each: _opened(each, open_secret))


def read_snapshot(path: Path, stack: str, vault: Vault) -> Snapshot:
    """The state in `path`; an empty one where there is no file. Needs the passphrase if it has secrets."""
    if not path.exists():
        return Snapshot(stack)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        latest = (document.get("checkpoint") or {}).get("latest") or document.get("deployment") or {}
        version = int(document["version"])
    except (ValueError, KeyError, AttributeError, OSError) as error:
        raise RehearsalError(
            f"state file {path} cannot be read ({error})",
            "it is a Pulumi checkpoint",
            "restore it from a backup; the resources it names are otherwise not deleted by `down`",
        ) from error
    if version != _VERSION:
        raise RehearsalError(
            f"state file {path} has version {version}", f"only {_VERSION} is known", "use the CLI"
        )
    salt = str(((latest.get("secrets_providers") or {}).get("state") or {}).get("salt", ""))

    def open_secret(ciphertext: str) -> str:
        return vault.crypter(salt).decrypt(ciphertext)

    return Snapshot(
        stack=stack,
        salt=salt,
        resources=[decode(each, open_secret) for each in latest.get("resources") or []],
        pending=[
            Operation(each["type"], decode(each["resource"], open_secret), each.get("existed", ""))
            for each in latest.get("pending_operations") or []
        ],
    )


def document(stack: str, salt: str, resources: list[dict[str, Any]], pending: list[dict[str, Any]]) -> str:
    """The text of a checkpoint with already encoded entries."""
    latest: dict[str, Any] = {
        "manifest": {
            "time": now(),
            "magic": hashlib.sha256(SDK_VERSION.encode()).hexdigest(),
            "version": SDK_VERSION,
        },
        "resources": resources,
        "metadata": {},
    }
    if salt:
        latest["secrets_providers"] = {"type": "passphrase", "state": {"salt": salt}}
    if pending:
        latest["pending_operations"] = pending
    checkpoint = {"stack": stack, "latest": latest}
    return json.dumps({"version": _VERSION, "checkpoint": checkpoint}, indent=1) + "\n"
