"""`config get|set|rm|list`: the stack's configuration file, as the real CLI reads and writes it."""

import json
import re
from typing import Any, TextIO

from rehearsal.commands.session import Session
from rehearsal.config.configuration import as_text
from rehearsal.errors import RehearsalError
from rehearsal.paths import get_at, has_at, parse_path, with_at, without
from rehearsal.state.checkpoint import read_snapshot
from rehearsal.state.crypto import Crypter
from rehearsal.values import Path, map_children, plain, secret_paths

_MASK = "[secret]"


def _split(session: Session, key: str, *, is_path: bool) -> tuple[str, Path]:
    """The whole key, and the path below it: `a.b[0]` is `b[0]` below `project:a`."""
    if not is_path:
        return session.stack_file.full_key(key), ()
    namespace, _, rest = key.rpartition(":")
    first, *below = parse_path(rest)
    name = f"{namespace}:{first}" if namespace else str(first)
    return session.stack_file.full_key(name), tuple(below)


def get(session: Session, out: TextIO, key: str, *, is_path: bool, as_json: bool) -> int:
    """The value of a key, secrets opened."""
    whole, path = _split(session, key, is_path=is_path)
    raw = session.stack_file.raw()
    if whole not in raw or not has_at(raw[whole], path):
        raise RehearsalError(
            f"configuration {key} is not set for stack {session.stack!r}",
            f"{session.stack_file.path} has {', '.join(sorted(raw)) or 'no keys'}",
            f"config set {key} VALUE",
        )
    value = get_at(session.stack_file.values(session.vault)[whole], path)
    if as_json:
        secret = any(True for _ in secret_paths(value))
        out.write(json.dumps({"name": whole, "value": as_text(value), "secret": secret}) + "\n")
    else:
        out.write(as_text(value) + "\n")
    return 0


def put(session: Session, key: str, text: str, *, secret: bool, is_path: bool) -> int:
    """Set a key. With `is_path`, `true`, `false` and whole numbers keep their type."""
    whole, path = _split(session, key, is_path=is_path)
    file = session.stack_file
    value: Any = _typed(text) if is_path else text
    if secret:
        crypter = _crypter(session)
        value = {"secure": crypter.encrypt(text)}
    old = file.raw().get(whole)
    file.set_raw(whole, with_at(_bare(old), path, value) if path else value)
    file.save()
    return 0


def _crypter(session: Session) -> Crypter:
    """The stack file's own salt, else the one the state already uses."""
    salt = None
    if session.stack_file.salt is None and session.state.is_file():
        salt = read_snapshot(session.state, session.stack, session.vault).salt
    return session.stack_file.crypter(session.vault, salt)


def _typed(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"0|-?[1-9][0-9]*", text) else text


def _bare(value: Any) -> Any:
    """Without the YAML reader's own types, so that a changed value is written anew."""
    return map_children(value, _bare)


def remove(session: Session, key: str, *, is_path: bool) -> int:
    """Remove a key; one that is not there is no error."""
    whole, path = _split(session, key, is_path=is_path)
    file = session.stack_file
    raw = file.raw()
    if path and whole in raw:
        file.set_raw(whole, without(_bare(raw[whole]), path))
        file.save()
    elif file.remove(whole):
        file.save()
    return 0


def show(session: Session, out: TextIO, *, show_secrets: bool, as_json: bool) -> int:
    """All keys; the passphrase is needed only to show secrets."""
    raw = session.stack_file.raw()
    opened = session.stack_file.values(session.vault) if show_secrets else raw
    rows = {}
    for key in sorted(raw):
        secret = "secure" in json.dumps(_secure_marks(raw[key]))
        value = as_text(plain(opened[key]) if show_secrets else _hidden(raw[key]))
        rows[key] = {"value": value, "secret": secret}
    if as_json:
        # The real CLI leaves the value of a hidden secret out.
        kept = {
            key: row if show_secrets or not row["secret"] else {"secret": True} for key, row in rows.items()
        }
        out.write(json.dumps(kept, indent=2) + "\n")
    else:
        out.writelines(f"{key}: {row['value']}\n" for key, row in rows.items())
    return 0


def _is_secure(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _hidden(value: Any) -> Any:
    return _MASK if _is_secure(value) else map_children(value, _hidden)


def _secure_marks(value: Any) -> Any:
    if isinstance(value, dict) and not _is_secure(value):
        return [_secure_marks(each) for each in value.values()]
    if isinstance(value, list):
        return [_secure_marks(each) for each in value]
    return "secure" if _is_secure(value) else ""
