"""Decides, once, what a stack's config leaves open, and writes it there.

Later runs use what is written, so `make up`, the rehearsal and plain `pulumi up` agree.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from catalog import models as catalog
from catalog.errors import HostError, KitError
from ops import base_image, docker_engine, runner, trust
from ops.paths import example_file, stack_file, state_folder, write_private
from ops.pulumi_cli import install_cli
from ops.say import step
from ops.trust import system_trust

PREFIX = "slm-kit:"
HUB = "https://huggingface.co"
PROBE_SECONDS = 5


def begin(stack: str) -> None:
    """Make the stack's config file from its example where there is none."""
    path, example = stack_file(stack), example_file(stack)
    if path.exists():
        return
    if not example.exists():
        raise KitError(
            f"stack {stack!r}",
            f"there is no stacks/{path.name} and no example of that name",
            f"Copy an example: cp stacks/{example_file('local-docker').name} stacks/{path.name}",
        )
    step(f"stacks/{path.name} made from its example")
    shutil.copyfile(example, path)


def config(stack: str) -> dict[str, Any]:
    """The stack's config as its file has it. Raises KitError for a stack without a file."""
    path = stack_file(stack)
    if not path.exists():
        raise KitError(
            f"stack {stack!r}", f"there is no stacks/{path.name}", f"`make up STACK={stack}` begins one."
        )
    return (yaml.safe_load(path.read_text()) or {}).get("config") or {}


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
    if f"{PREFIX}modelSource" not in written and _models(written):
        answers = _hub_answers(written)
        source = "hf" if answers and _all_have("hf", written) else _other_source(written)
        reason = "the model hub answers" if answers else "the model hub does not answer"
        _write(used, "modelSource", source, reason)
    _hand_on(stack, used, written, found)


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


def _models(written: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    models = written.get(f"{PREFIX}models")
    if not isinstance(models, list):
        return []
    return [each for each in models if isinstance(each, dict) and each.get("engine") != "external"]


def _catalog_name(model: Mapping[str, Any]) -> str:
    return str(model.get("model") or model.get("name"))


def _hub_answers(written: Mapping[str, Any]) -> bool:
    for model in _models(written):
        for variant in catalog.find(_catalog_name(model)).variants.values():
            if variant.source.kind == "hf":
                # One question is enough: the hub answers, or it does not.
                address = f"{HUB}/api/models/{variant.source.repository}"
                try:
                    return httpx.get(address, timeout=PROBE_SECONDS, verify=system_trust()).is_success
                except httpx.HTTPError:
                    return False
    return False


def any_source(written: Mapping[str, Any]) -> str:
    """The first source kind that has a variant of every hosted model of the stack."""
    return "hf" if _all_have("hf", written) else _other_source(written)


def _other_source(written: Mapping[str, Any]) -> str:
    for kind in ("pypi", "https", "oci", "file"):
        if _all_have(kind, written):
            return kind
    raise KitError(
        "modelSource",
        "there is no kind of source that answers here and that every model of the stack has",
        "Name a `variant` for each model, or set slm-kit:modelSource; `make models MODEL=…` lists them.",
    )


def _all_have(kind: str, written: Mapping[str, Any]) -> bool:
    """Whether each model that names no variant has one for its engine from such a source."""
    open_models = [model for model in _models(written) if not model.get("variant")]
    return all(
        any(
            variant.source.kind == kind and model.get("engine", "auto") in (variant.engine, "auto")
            for variant in catalog.find(_catalog_name(model)).variants.values()
        )
        for model in open_models
    )
