"""Decides, once, what a stack's config leaves open, and writes it there.

Later runs use what is written, so `make up`, the rehearsal and plain `pulumi up` agree.
"""

import difflib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from catalog.errors import HostError, KitError
from ops import base_image, docker_engine, model_source, runner, trust
from ops.paths import example_file, stack_file, state_folder, write_private
from ops.pulumi_cli import install_cli
from ops.say import step
from stacks import COMPOSITIONS
from stacks.settings import NAMESPACE
from stacks.stack_file import config_of

PREFIX = f"{NAMESPACE}:"


def begin(stack: str) -> None:
    """Make the stack's config file from its example where there is none."""
    found, path = source(stack), stack_file(stack)
    if found != path:
        step(f"stacks/{path.name} made from its example")
        shutil.copyfile(found, path)


def source(stack: str) -> Path:
    """The stack's file, or the example that it is to begin with. Raises KitError where there is neither."""
    path, example = stack_file(stack), example_file(stack)
    if path.exists():
        return path
    if not example.exists():
        raise KitError(
            f"stack {stack!r}",
            f"there is no stacks/{path.name} and no example of that name",
            f"Copy an example: cp stacks/{example_file('local-docker').name} stacks/{path.name}",
        )
    return example


def config(stack: str) -> dict[str, Any]:
    """The stack's config as its file has it. Raises KitError for a stack without a file."""
    path = stack_file(stack)
    if not path.exists():
        raise KitError(
            f"stack {stack!r}", f"there is no stacks/{path.name}", f"`make up STACK={stack}` begins one."
        )
    return config_of(path)


def target(stack: str) -> str:
    """Which composition the stack runs. Raises KitError for one that is not there."""
    return target_of(stack, config(stack))


def target_of(stack: str, written: Mapping[str, Any]) -> str:
    """`target` by the stack's config."""
    named = str(written.get(f"{PREFIX}target"))
    if named not in COMPOSITIONS:
        near = difflib.get_close_matches(named, COMPOSITIONS, n=1)
        raise KitError(
            f"{PREFIX}target {named!r} of stack {stack}",
            f"targets are {', '.join(COMPOSITIONS)}",
            f"Did you mean {near[0]}?" if near else f"Set one of these in stacks/{stack_file(stack).name}.",
        )
    return named


def current_runner(stack: str) -> runner.Runner:
    """The runner written in config; before the first `up` whichever is at hand. Writes nothing."""
    written = config(stack).get(f"{PREFIX}runner")
    return runner.runner_for(written or ("pulumi" if runner.executable() else "rehearsal"), stack)


def choose_runner(stack: str, asked: str | None) -> runner.Runner:
    """The runner written in config; at first the Pulumi CLI, its installer, else the rehearsal."""
    written = config(stack).get(f"{PREFIX}runner")
    if written is not None and asked is not None and asked != written:
        raise KitError(
            f"runner {asked!r}",
            f"stack {stack} was made with {written}, whose state the other does not read",
            f"Run `make down STACK={stack}` first.",
        )
    name = written or asked or ("pulumi" if runner.executable() or install_cli() else "rehearsal")
    if name == "pulumi" and not (runner.executable() or install_cli()):
        raise HostError(
            "runner 'pulumi'",
            "there is no Pulumi CLI on PATH, and its release site does not answer",
            "Install the CLI, or use RUNNER=rehearsal (after `make down`, if the stack is up).",
        )
    chosen = runner.runner_for(name, stack)
    step(f"runner: {name}" + ("" if written else " (decided now and written to the stack config)"))
    if written is None:
        chosen.set_config(f"{PREFIX}runner", name)
    return chosen


def forget_runner(stack: str, used: runner.Runner) -> None:
    """After `down`, another runner may be chosen."""
    if f"{PREFIX}runner" in config(stack):
        used.read("config", "rm", f"{PREFIX}runner")


def decide(stack: str, used: runner.Runner) -> None:
    """Fill in images, bases, model source and trust; announce each decision once."""
    written = config(stack)
    found = trust.find()
    mode = written.get(f"{PREFIX}images")
    if mode is None:
        mode = "upstream" if base_image.registry_answers() else "build"
        _write(
            used,
            "images",
            mode,
            "an image registry answers" if mode == "upstream" else "no image registry answers",
        )
    _build_base(used, written, written.get(f"{PREFIX}imageBase") or base_image.ensure_base(mode), found)
    if f"{PREFIX}engineCpus" not in written:
        _write(used, "engineCpus", str(docker_engine.info()["NCPU"]), "processors of the Docker engine")
    if f"{PREFIX}engineMemoryMib" not in written:
        memory = int(docker_engine.info()["MemTotal"]) // 2**20
        _write(used, "engineMemoryMib", str(memory), "memory of the Docker engine")
    if f"{PREFIX}modelSource" not in written and model_source.hosted(written):
        _write(used, "modelSource", *model_source.choose(written))
    _hand_on(stack, used, written, found)


def decide_cluster(stack: str, used: runner.Runner) -> None:
    """For a stack on a cluster: where its models are from, as far as it can be seen from here.

    Proxy and mirror are not handed on: the cluster's way out is seldom this machine's.
    """
    written = config(stack)
    found = trust.find()
    if f"{PREFIX}modelSource" not in written and model_source.hosted(written):
        source, why = model_source.choose(written)
        as_images = (written.get(f"{PREFIX}kubernetes") or {}).get("modelImages") is not None
        fetched = "`make images` fetches here" if as_images else "the cluster's pods fetch by themselves"
        _write(used, "modelSource", source, f"{why} on this machine; {fetched}")
    _hand_on(stack, used, written, replace(found, downloads={}))
    if found.downloads and f"{PREFIX}downloadSettings" not in written:
        names = ", ".join(found.downloads)
        step(f"this machine's {names} is not handed to the cluster: {PREFIX}downloadSettings gives it one")


def _build_base(used: runner.Runner, written: Mapping[str, Any], base: str, found: trust.Trust) -> None:
    """Make the base of build stages; write it, or forget one that is not needed any more."""
    before = written.get(f"{PREFIX}buildBase")
    if before and not before.startswith(base_image.BUILD_BASE):
        return  # The user's own.
    now = base_image.ensure_build_base(base, found)
    if now is not None and now != before:
        _write(used, "buildBase", now, "with this machine's authorities and index, for build stages only")
    if now is None and before:
        step("buildBase: not needed any more")
        used.read("config", "rm", f"{PREFIX}buildBase")


def _hand_on(stack: str, used: runner.Runner, written: Mapping[str, Any], found: trust.Trust) -> None:
    """Authorities and download settings of the machine, where config has none of its own."""
    restore_authorities(stack, written, found)
    if found.authorities and f"{PREFIX}certificateAuthorities" not in written:
        path = _authorities_file(stack)
        write_private(path, found.authorities)
        _write(used, "certificateAuthorities", str(path), "authorities of this machine")
    present = written.get(f"{PREFIX}downloadSettings") or {}
    for key, value in found.downloads.items():
        if key not in present:
            step(f"downloadSettings.{key}: as set up on this machine (kept as a secret)")
            used.set_config(f"{PREFIX}downloadSettings.{key}", value, secret=True, path=True)


def restore_authorities(stack: str, written: Mapping[str, Any], found: trust.Trust) -> None:
    """Write the kit's own file of authorities as the machine has them now."""
    path = _authorities_file(stack)
    if found.authorities and written.get(f"{PREFIX}certificateAuthorities") == str(path):
        write_private(path, found.authorities)


def _authorities_file(stack: str) -> Path:
    return state_folder() / f"{stack}.authorities.pem"


def _write(used: runner.Runner, key: str, value: str, why: str) -> None:
    step(f"{key}: {value} ({why})")
    used.set_config(f"{PREFIX}{key}", value)
