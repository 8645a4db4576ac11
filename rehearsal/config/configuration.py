"""What the program gets: stored values, overrides and defaults, checked against the schema."""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from rehearsal.config.project import Project, Setting
from rehearsal.errors import RehearsalError
from rehearsal.values import Secret, plain, secret_paths


@dataclass(frozen=True)
class Config:
    """What the program gets: strings (objects as JSON) by whole key, and which of them are secret."""

    values: dict[str, str]
    secret_keys: tuple[str, ...]


def resolve_config(
    project: Project,
    stack: str,
    stored: Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    secrets: Set[str] = frozenset(),
) -> Config:
    """Stored values, then `overrides`, then defaults; checked against the schema as the real CLI does."""
    merged = {**stored}
    for key, value in (overrides or {}).items():
        merged[key] = Secret(value) if key in secrets else value
    missing = []
    for setting in project.settings:
        if setting.key not in merged and setting.default is not None:
            merged[setting.key] = setting.default
        elif setting.key not in merged and setting.key.startswith(f"{project.name}:"):
            missing.append(setting.key)
    if missing:
        raise RehearsalError(
            f"stack {stack!r} is missing configuration {', '.join(sorted(missing))}",
            "the project's schema gives no default",
            f"config set {missing[0]} VALUE --stack {stack}",
        )
    for setting in project.settings:
        if setting.type and setting.key in merged:
            _check(setting, merged[setting.key])
    return Config(
        {key: as_text(value) for key, value in merged.items()},
        tuple(key for key, value in merged.items() if any(True for _ in secret_paths(value))),
    )


def as_text(value: Any) -> str:
    """A config value as the program reads it."""
    bare = plain(value)
    if isinstance(bare, str):
        return bare
    if isinstance(bare, dict | list | bool):
        return json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "" if bare is None else str(bare)


def _check(setting: Setting, value: Any) -> None:
    if setting.secret and not any(True for _ in secret_paths(value)):
        raise RehearsalError(
            f"configuration {setting.key} is stored in the clear",
            "the schema says secret",
            f"config set --secret {setting.key} (value on stdin)",
        )
    if not _fits(setting.type, setting.items, plain(value)):
        shown = "[secret]" if setting.secret or isinstance(value, Secret) else repr(plain(value))
        raise RehearsalError(
            f"configuration {setting.key} = {shown}",
            f"the schema says {setting.type}",
            f"config set {setting.key} VALUE",
        )


def _fits(type_: str, items: Mapping[str, Any] | None, value: Any) -> bool:
    if type_ == "string":
        # A scalar that YAML reads as a number or a bool is still text to the real CLI.
        return isinstance(value, str | int | float) and value is not None
    if type_ == "integer":
        text = str(value)
        return not isinstance(value, bool) and text.lstrip("+-").isdigit()
    if type_ == "boolean":
        return isinstance(value, bool) or value in ("true", "false")
    if type_ == "object":
        return isinstance(value, Mapping)
    if type_ == "array" and isinstance(value, list):
        inner = items or {}
        return all(_fits(str(inner.get("type", "")), inner.get("items"), each) for each in value)
    return type_ == ""
