"""Pulumi.yaml: where the program and the stack configuration are, and the schema of the configuration."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from rehearsal.errors import RehearsalError

_STACK_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True)
class Setting:
    """One entry of the config schema. `type` empty: not checked."""

    key: str
    type: str = ""
    items: dict[str, Any] | None = None
    default: Any = None
    secret: bool = False


@dataclass(frozen=True)
class Project:
    """A Python Pulumi project on disk."""

    root: Path
    name: str
    program: Path
    config_dir: Path
    suffix: str
    settings: tuple[Setting, ...]

    def stack_file(self, stack: str) -> Path:
        """`Pulumi.<stack>.yaml` in `stackConfigDir`, named as the real CLI names it."""
        return self.config_dir / f"Pulumi.{stack}{self.suffix}"


def check_stack_name(stack: str) -> str:
    """A plain stack name; `organization/project/stack` is reduced to its last part."""
    short = stack.rsplit("/", 1)[-1]
    if not _STACK_NAME.fullmatch(short):
        raise RehearsalError(
            f"stack name {stack!r}",
            "letters, digits, '_', '.', '-', at most 100",
            "rename the stack",
        )
    return short


def read_yaml(path: Path) -> Any:
    """The content of a YAML file, or a clear refusal."""
    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise RehearsalError(
            f"{path} cannot be read ({_first_line(error)})", "it is a YAML file", "correct the file"
        ) from error


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    text = str(getattr(error, "problem", None) or error).splitlines()[0]
    return f"line {mark.line + 1}: {text}" if mark else text


def load_project(root: Path) -> Project:
    """Read Pulumi.yaml (or .yml, .json) in `root`."""
    root = root.resolve()
    file = next(
        (root / f"Pulumi{each}" for each in (".yaml", ".yml", ".json") if (root / f"Pulumi{each}").is_file()),
        None,
    )
    if file is None:
        raise RehearsalError(
            f"no Pulumi.yaml in {root}",
            "a Pulumi project has one",
            "give its folder with --project",
        )
    content = json.loads(file.read_text()) if file.suffix == ".json" else read_yaml(file)
    if not isinstance(content, dict) or not content.get("name"):
        raise RehearsalError(f"{file} has no `name`", "a project has a name", "add `name: …`")
    runtime = content.get("runtime")
    language = runtime.get("name") if isinstance(runtime, dict) else runtime
    if language != "python":
        raise RehearsalError(
            f"runtime {language!r} in {file}", "the rehearsal runs python", "use the Pulumi CLI"
        )
    name = str(content["name"])
    return Project(
        root=root,
        name=name,
        program=(root / str(content.get("main") or ".")).resolve(),
        config_dir=root / str(content.get("stackConfigDir") or "."),
        suffix=file.suffix,
        settings=tuple(_settings(name, content.get("config") or {}, file)),
    )


def _settings(project: str, schema: Any, file: Path) -> list[Setting]:
    if not isinstance(schema, dict):
        raise RehearsalError(
            f"`config: {schema}` in {file}",
            "it maps keys to types",
            "use stackConfigDir for a folder",
        )
    return [_setting(project, str(key), entry) for key, entry in schema.items()]


def _setting(project: str, key: str, entry: Any) -> Setting:
    whole = key if ":" in key else f"{project}:{key}"
    if not isinstance(entry, dict):
        return Setting(whole, default=entry)
    value = entry.get("value")
    return Setting(
        whole,
        type=str(entry.get("type") or ""),
        items=entry.get("items"),
        default=entry.get("default") if value is None else value,
        secret=bool(entry.get("secret")),
    )
