"""Rendering from Python, for tests: each program runs in a process of its own, as the SDK needs it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.errors import RehearsalError

_SECRETS_IN_ENVIRONMENT = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN")


@dataclass(frozen=True)
class RenderedResource:
    """A resource as the program registered it. `inputs` are plain; `secret_paths` says what is secret."""

    urn: str
    type: str
    name: str
    custom: bool
    inputs: dict[str, Any]
    secret_paths: tuple[str, ...] = ()
    outputs: dict[str, Any] = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    protect: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    """Other resource options in use, named as in `render --json`."""


@dataclass(frozen=True)
class Rendering:
    """All resources of a program, sorted by URN, and the stack's outputs (plain)."""

    resources: tuple[RenderedResource, ...]
    outputs: dict[str, Any]
    secret_outputs: tuple[str, ...]
    log: str

    def of_type(self, type_token: str) -> list[RenderedResource]:
        """The resources of one type, e.g. `docker:index/container:Container`."""
        return [each for each in self.resources if each.type == type_token]

    def named(self, name: str) -> RenderedResource:
        """The one resource with this logical name."""
        found = [each for each in self.resources if each.name == name]
        if len(found) != 1:
            names = ", ".join(sorted({each.name for each in self.resources}))
            raise LookupError(f"{len(found)} resources are named {name!r}; there are: {names}")
        return found[0]


def render(
    project_dir: Path,
    stack: str,
    config: Mapping[str, Any] | None = None,
    *,
    secrets: Set[str] = frozenset(),
    use_stack_file: bool = False,
    environ: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> Rendering:
    """Run the program of `project_dir` and return what it registered.

    `config` holds whole keys (`project:key`) and JSON-able values; a key in `secrets`, or a value written
    `{"secure": value}`, is secret. `use_stack_file` reads `Pulumi.<stack>.yaml` below it. `environ` replaces
    the environment (default: this process's, without passphrase and token). `timeout` is in seconds.
    Raises RehearsalError with the program's own message when it fails.
    """
    request = {
        "project": str(project_dir),
        "stack": stack,
        "config": dict(config or {}),
        "secrets": sorted(secrets),
        "use_stack_file": use_stack_file,
    }
    environment = _environment(environ, with_secrets=use_stack_file)
    done = subprocess.run(
        [sys.executable, "-m", "rehearsal.program.child"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
        check=False,
    )
    return _answer(done)


def _environment(environ: Mapping[str, str] | None, *, with_secrets: bool) -> dict[str, str]:
    environment = dict(os.environ if environ is None else environ)
    for name in () if with_secrets else _SECRETS_IN_ENVIRONMENT:
        environment.pop(name, None)
    here = str(Path(__file__).resolve().parent.parent)
    paths = (here, environment.get("PYTHONPATH", ""))
    environment["PYTHONPATH"] = os.pathsep.join(each for each in paths if each)
    return environment


def _answer(done: subprocess.CompletedProcess[str]) -> Rendering:
    if done.returncode != 0 or not done.stdout:
        text = done.stderr.strip() or f"the program ended with code {done.returncode}"
        raise RehearsalError(text, "the program did not render", "see above", done.returncode)
    document = json.loads(done.stdout)
    return Rendering(
        resources=tuple(_resource(each) for each in document["resources"]),
        outputs=document["outputs"],
        secret_outputs=tuple(document["secretOutputs"]),
        log=done.stderr,
    )


def _resource(entry: dict[str, Any]) -> RenderedResource:
    rest = dict(entry)
    return RenderedResource(
        urn=rest.pop("urn"),
        type=rest.pop("type"),
        name=rest.pop("name"),
        custom=rest.pop("custom"),
        inputs=rest.pop("inputs"),
        secret_paths=tuple(rest.pop("secretPaths", ())),
        outputs=rest.pop("outputs", {}),
        parent=rest.pop("parent", ""),
        provider=rest.pop("provider", ""),
        dependencies=tuple(rest.pop("dependencies", ())),
        property_dependencies=rest.pop("propertyDependencies", {}),
        protect=rest.pop("protect", False),
        options=rest,
    )
