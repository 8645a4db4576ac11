"""Differences of property values and of whole renderings, in words."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rehearsal.backend import UNKNOWN
from rehearsal.values import Path, Secret, masked, plain, show_path

_MISSING = object()
_SHOWN_CHARACTERS = 300
SECRET_MARK = "[secret"
_ORDER_FREE = ("dependencies", "secretPaths")


@dataclass(frozen=True)
class Change:
    """One changed place. `sign` is + (new), - (gone) or ~ (other value)."""

    path: Path
    sign: str
    text: str

    def __str__(self) -> str:
        return f"{self.sign} {show_path(self.path)}: {self.text}"


def compare(old: Any, new: Any, at: Path = ()) -> Iterator[Change]:
    """The changed places from `old` to `new`; a changed secret is named, never shown."""
    if old is _MISSING:
        yield Change(at, "+", show_value(new))
    elif new is _MISSING:
        yield Change(at, "-", show_value(old))
    elif isinstance(old, Secret) or isinstance(new, Secret):
        yield from _compare_secret(old, new, at)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}, key=str):
            yield from compare(old.get(key, _MISSING), new.get(key, _MISSING), (*at, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before, after = (each[index] if index < len(each) else _MISSING for each in (old, new))
            yield from compare(before, after, (*at, index))
    elif old != new or type(old) is not type(new):
        if str(old).startswith(SECRET_MARK) and str(new).startswith(SECRET_MARK):
            yield Change(at, "~", "secret changed")
        else:
            yield Change(at, "~", f"{show_value(old)} => {show_value(new)}")


def _compare_secret(old: Any, new: Any, at: Path) -> Iterator[Change]:
    if isinstance(old, Secret) and isinstance(new, Secret):
        if plain(old) != plain(new):
            yield Change(at, "~", "secret changed")
    else:
        yield Change(at, "~", "is secret now" if isinstance(new, Secret) else "is no secret any more")


def show_value(value: Any) -> str:
    """JSON on one line, secrets masked, unknowns named, cut at 300 characters."""
    if value == UNKNOWN:
        return "[unknown]"
    text = json.dumps(masked(value, lambda _: "[secret]"), ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text)} characters)"


def diff_renderings(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Lines that say what differs between two documents of `render --json`, per resource and property."""
    before, after = ({each["urn"]: each for each in doc["resources"]} for doc in (old, new))
    lines: list[str] = []
    for urn in sorted({*before, *after}):
        if urn not in before:
            lines.append(f"+ {urn}")
            lines += [f"    {each}" for each in compare({}, after[urn]["inputs"])]
        elif urn not in after:
            lines.append(f"- {urn}")
        else:
            changes = list(compare(_sorted_sets(before[urn]), _sorted_sets(after[urn])))
            lines += [f"~ {urn}"] * bool(changes) + [f"    {each}" for each in changes]
    outputs = list(compare(old["outputs"], new["outputs"]))
    return lines + ["outputs"] * bool(outputs) + [f"    {each}" for each in outputs]


def _sorted_sets(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: dict.fromkeys(value, "") if key in _ORDER_FREE else value for key, value in entry.items()}
