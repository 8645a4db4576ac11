"""Property paths as Pulumi writes them: `a.b`, `a[0]`, `a["x.y"]`."""

import re
from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.values import Path, Secret

_PART = re.compile(r'\.?([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')
_MISSING = object()


def parse_path(text: str) -> Path:
    """The parts of a path: names and list indexes."""
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            raise RehearsalError(
                f"property path {text!r}", 'it is written a.b, a[0] or a["x.y"]', "correct the path"
            )
        name, index, quoted = match.groups()
        parts.append(int(index) if index is not None else (name or re.sub(r"\\(.)", r"\1", quoted)))
        position = match.end()
    if not parts:
        raise RehearsalError("an empty property path", "it names a property", "give a path")
    return tuple(parts)


def get_at(value: Any, path: Path, default: Any = None) -> Any:
    """The value at `path`, or `default`."""
    found = _get(value, path)
    return default if found is _MISSING else found


def has_at(value: Any, path: Path) -> bool:
    """Whether there is something at `path`."""
    return _get(value, path) is not _MISSING


def _get(value: Any, path: Path) -> Any:
    for part in path:
        if isinstance(value, Secret):
            value = value.value
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return _MISSING
    return value


def with_at(value: Any, path: Path, new: Any) -> Any:
    """A copy with `new` at `path`; missing mappings and lists on the way are made."""
    if not path:
        return new
    part, rest = path[0], path[1:]
    if isinstance(value, Secret):
        return Secret(with_at(value.value, path, new))
    if isinstance(part, int):
        items = list(value) if isinstance(value, list) else []
        if part > len(items):
            raise RehearsalError(
                f"index {part} in a path", f"the list has {len(items)} entries", "append in order"
            )
        inner = items[part] if part < len(items) else None
        return [*items[:part], with_at(inner, rest, new), *items[part + 1 :]]
    mapping = dict(value) if isinstance(value, dict) else {}
    mapping[part] = with_at(mapping.get(part), rest, new)
    return mapping


def without(value: Any, path: Path) -> Any:
    """A copy with nothing at `path`."""
    if not has_at(value, path):
        return value
    if len(path) > 1:
        return with_at(value, path[:1], without(get_at(value, path[:1]), path[1:]))
    if isinstance(value, Secret):
        return Secret(without(value.value, path))
    if isinstance(value, list):
        return [each for index, each in enumerate(value) if index != path[0]]
    return {key: each for key, each in value.items() if key != path[0]}
