"""A stack's file, read the same way by the commands and by the program."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from catalog.errors import KitError
from stacks.settings import NAMESPACE


def config_of(path: Path) -> dict[str, Any]:
    """Its `config`; nothing for an empty file.

    Raises KitError for what is no YAML, with its line, for what is no object, and for settings beside it.
    """
    content = _content_of(path)
    refuse_misplaced_keys(content)
    return _object(content.get("config"), f"config of stacks/{path.name}")


def refuse_misplaced_keys(content: Mapping[str, Any]) -> None:
    """Raise KitError for a key of ours that stands beside `config` in the stack's file: Pulumi reads on."""
    for key in content:
        if str(key).startswith(f"{NAMESPACE}:"):
            raise KitError(key, "stands beside `config:` in the stack's file", "Indent it below `config:`.")


def _content_of(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, ValueError) as error:
        raise KitError(*_unreadable(path, error)) from error
    return _object(content, f"stacks/{path.name}")


def _unreadable(path: Path, error: Exception) -> tuple[str, str, str]:
    mark = getattr(error, "problem_mark", None)
    where = f"stacks/{path.name}" if mark is None else f"stacks/{path.name}, line {mark.line + 1}"
    # Not the line itself: it may hold what should be a secret.
    why = getattr(error, "problem", None) or type(error).__name__
    step = "Mend that line or the one before: indent with spaces, and put what holds `: ` or `#` in quotes."
    return where, f"is no YAML ({why})", step


def _object(value: Any, what: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise KitError(what, "is no object of keys and values", "See the example file of the target.")
    return value
