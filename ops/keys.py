"""API keys of a stack: made here, kept as secret config, shown on request."""

import base64
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from catalog.errors import KitError
from components.open_webui import KEY_ID as OPEN_WEBUI_KEY
from ops.decide import PREFIX, config
from ops.runner import Runner
from ops.say import step
from stacks.config import MONITORING_PASSWORD
from stacks.model_settings import day

KEY_BYTES = 32
KEY_ID = re.compile(r"[a-z][a-z0-9-]{0,31}")


def new_key() -> str:
    """`slm-` and 43 characters of base64url: 32 random bytes."""
    return f"slm-{_random()}"


def _random() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode().rstrip("=")


@dataclass(frozen=True)
class KeyOptions:
    """What `make key` was asked: show `id`, add `new`, or give `rotate` a new secret."""

    id: str = "default"
    new: str | None = None
    rotate: str | None = None
    models: Sequence[str] = ("*",)
    requests_per_minute: int | None = None
    expires: str | None = None
    """First day (UTC) on which the gateway refuses the new key, such as 2027-01-31."""


def today() -> date:
    """The day in UTC, by which keys expire."""
    return datetime.now(UTC).date()


def ensure(used: Runner) -> None:
    """Make a key for every id of config that has none, and forget those of ids that are gone.

    A key that was revoked must not come back to life when its id is listed again.
    """
    written = config(used.stack)
    ids = ids_of(written)
    present = written.get(f"{PREFIX}keySecrets") or {}
    for each in ids:
        if each not in present:
            show = f"make key STACK={used.stack} ID={each}"
            step(f"new API key {each!r}, kept as secret config; `{show}` shows it")
            _store(used, each)
    for each in set(present) - set(ids):
        step(f"key {each!r} has no entry under {PREFIX}keys any more: forgotten")
        used.read("config", "rm", "--path", f'{PREFIX}keySecrets["{each}"]')


def ids_of(written: Mapping[str, Any]) -> list[str]:
    """Ids of all keys that config lists: the stack's, those of its sites, and the chat page's own."""
    sites = written.get(f"{PREFIX}sites") or []
    lists = [_entries(written), *(each.get("keys") for each in sites if isinstance(each, dict))]
    entries = [key for each in lists if isinstance(each, list) for key in each]
    ids = [str(key["id"]) for key in entries if isinstance(key, dict) and "id" in key]
    return [*ids, OPEN_WEBUI_KEY] if f"{PREFIX}openWebui" in written else ids


def ensure_passwords(used: Runner) -> None:
    """Make the passwords that the settings call for and that are not there yet."""
    written = config(used.stack)
    present = written.get(f"{PREFIX}passwords") or {}
    for name in _passwords_of(written):
        if name not in present:
            show = f"make password STACK={used.stack} NAME={name}"
            step(f"new password {name!r}, kept as secret config; `{show}` shows it")
            used.set_config(f'{PREFIX}passwords["{name}"]', _random(), secret=True, path=True)


def _passwords_of(written: Mapping[str, Any]) -> list[str]:
    """Names of the passwords that config calls for."""
    wanted = ["open-webui", "open-webui-session"] if f"{PREFIX}openWebui" in written else []
    watched = (written.get(f"{PREFIX}monitoring") or {}).get("enabled", True)
    return [*wanted, MONITORING_PASSWORD] if watched else wanted


def unmade(written: Mapping[str, Any], *, passwords: bool) -> list[str]:
    """Paths in config of the keys, and of the passwords where it has any, that `make up` is to make."""
    wanted = {"keySecrets": ids_of(written), "passwords": _passwords_of(written) if passwords else []}
    return [
        f'{PREFIX}{place}["{name}"]'
        for place, names in wanted.items()
        for name in names
        if name not in (written.get(f"{PREFIX}{place}") or {})
    ]


def show_password(used: Runner, name: str) -> str:
    """A password itself. Raises KitError for one that is not there."""
    return _secret(used, "passwords", name, f"password {name!r}")


def rotate(used: Runner, key_id: str) -> None:
    """Give an id a new secret; the old one ends with the next `make up`."""
    show(used, key_id)
    _store(used, key_id)
    step(f"key {key_id!r} is new; run `make up STACK={used.stack}` to end the old one")


def add(used: Runner, key_id: str, asked: KeyOptions) -> None:
    """Add a key id with its secret. `make up` then brings it to the running gateway.

    Raises KitError for an id that is taken or none, and for a day of expiry that is none or not to come.
    """
    if asked.expires is not None:
        _check_expiry(key_id, asked.expires)
    if not KEY_ID.fullmatch(key_id):
        raise KitError(
            f"key id {key_id!r}",
            "ids are lower-case letters, digits and hyphens, a letter first, 32 at most",
            "Choose another.",
        )
    written = config(used.stack)
    if f"{PREFIX}sites" in written:
        raise KitError(
            f"key id {key_id!r}",
            f"is to be one site's, and stack {used.stack} has a list of sites",
            f"Add {{id: {key_id}}} to `keys` of the site in the stack's file; "
            f"`make up STACK={used.stack}` makes the key.",
        )
    entries = _entries(written)
    present = written.get(f"{PREFIX}keySecrets") or {}
    if any(entry.get("id") == key_id for entry in entries):
        if key_id not in present:
            _store(used, key_id)
            return
        raise KitError(f"key id {key_id!r}", "is there already", "Choose another.")
    place = f"{PREFIX}keys[{len(entries)}]"
    # The id last: what is interrupted before it leaves an entry that is refused, never one with more
    # rights than were asked for.
    for index, model in enumerate(asked.models):
        used.set_config(f"{place}.models[{index}]", model, path=True)
    if asked.requests_per_minute is not None:
        used.set_config(f"{place}.requestsPerMinute", str(asked.requests_per_minute), path=True)
    if asked.expires is not None:
        used.set_config(f"{place}.expires", asked.expires, path=True)
    used.set_config(f"{place}.id", key_id, path=True)
    _store(used, key_id)


def _check_expiry(key_id: str, expires: str) -> None:
    where = f"expires {expires!r} of key {key_id!r}"
    try:
        begins = day(expires)
    except ValueError as error:
        raise KitError(where, "must be a day, such as 2027-01-31", "Give the day so.") from error
    if begins <= today():
        limit = f"is not after today ({today()} in UTC): the key would be refused at once"
        raise KitError(where, limit, "Give a day to come.")


def show(used: Runner, key_id: str) -> str:
    """The key itself. Raises KitError for an id without one."""
    return _secret(used, "keySecrets", key_id, f"key {key_id!r}")


def _secret(used: Runner, place: str, name: str, shown: str) -> str:
    found: Mapping[str, Any] = config(used.stack).get(f"{PREFIX}{place}") or {}
    if name not in found:
        raise KitError(
            shown,
            f"stack {used.stack} has {', '.join(found) or 'none yet'}",
            f"Name one of these, or run `make up STACK={used.stack}`, which makes missing ones.",
        )
    return used.read("config", "get", "--path", f'{PREFIX}{place}["{name}"]').strip()


def _store(used: Runner, key_id: str) -> None:
    used.set_config(f'{PREFIX}keySecrets["{key_id}"]', new_key(), secret=True, path=True)


def _entries(written: Mapping[str, Any]) -> list[Any]:
    entries = written.get(f"{PREFIX}keys") or []
    return entries if isinstance(entries, list) else []
