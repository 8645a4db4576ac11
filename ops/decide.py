"""Decides, once, what a stack's config leaves open, and writes it there.

Later runs use what is written, so `make up`, the rehearsal and plain `pulumi up` agree.
"""

import shutil
from collections.abc import Mapping
from typing import Any

import httpx
import yaml

from catalog import models as catalog
from catalog.errors import KitError
from ops import base_image, runner, trust
from ops.paths import example_file, stack_file, state_folder, write_private
from ops.pulumi_cli import install_cli
from ops.say import step

PREFIX = "slm-kit:"
HUB = "https://huggingface.co"
PROBE_SECONDS = 5


def config(stack: str) -> dict[str, Any]:
    """The stack's config as its file has it; made from the example where there is none."""
    path = stack_file(stack)
    if not path.exists():
        example = example_file(stack)
        if not example.exists():
            raise KitError(
                f"stack {stack!r}",
                f"there is no stacks/{path.name} and no example of that name",
                f"Copy an example: cp stacks/{example_file('local-docker').name} stacks/{path.name}",
            )
        step(f"stacks/{path.name} made from its example")
        shutil.copyfile(example, path)
    return (yaml.safe_load(path.read_text()) or {}).get("config") or {}


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
    if name not in ("pulumi", "rehearsal"):
        raise KitError(f"runner {name!r}", "runners are pulumi and rehearsal", "Name one of them.")
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
    base = written.get(f"{PREFIX}imageBase") or base_image.ensure_base(mode)
    build_base = base_image.ensure_build_base(base, found)
    for key, value in {"imageBase": base, "buildBase": build_base}.items():
        if value is not None and written.get(f"{PREFIX}{key}") != value:
            _write(used, key, value, "the kit's images are built on it")
    if f"{PREFIX}modelSource" not in written:
        source = "hf" if _hub_answers(written) else _other_source(written)
        _write(
            used,
            "modelSource",
            source,
            "the model hub answers" if source == "hf" else "the model hub does not answer",
        )
    _hand_on(stack, used, written, found)


def _hand_on(stack: str, used: runner.Runner, written: Mapping[str, Any], found: trust.Trust) -> None:
    """Authorities and download settings of the machine, where config has none of its own."""
    path = state_folder() / f"{stack}.authorities.pem"
    if found.authorities and written.get(f"{PREFIX}certificateAuthorities") in (None, str(path)):
        write_private(path, found.authorities)
        if f"{PREFIX}certificateAuthorities" not in written:
            _write(used, "certificateAuthorities", str(path), "authorities of this machine")
    if found.downloads and f"{PREFIX}downloadSettings" not in written:
        step("downloadSettings: proxy or index mirror of this machine (kept as a secret)")
        for key, value in found.downloads.items():
            used.set_config(f"{PREFIX}downloadSettings.{key}", value, secret=True, path=True)


def _write(used: runner.Runner, key: str, value: str, why: str) -> None:
    step(f"{key}: {value} ({why})")
    used.set_config(f"{PREFIX}{key}", value)


def _models(written: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    models = written.get(f"{PREFIX}models")
    return [each for each in models if isinstance(each, dict)] if isinstance(models, list) else []


def _hub_answers(written: Mapping[str, Any]) -> bool:
    for model in _models(written):
        for variant in catalog.find(str(model.get("name"))).variants.values():
            if variant.source.kind == "hf":
                address = f"{HUB}/api/models/{variant.source.repository}"
                try:
                    return httpx.get(address, timeout=PROBE_SECONDS).is_success
                except httpx.HTTPError:
                    return False
    return False


def any_source(written: Mapping[str, Any]) -> str:
    """The first source kind that has a variant of every model of the stack."""
    return "hf" if _all_have("hf", written) else _other_source(written)


def _other_source(written: Mapping[str, Any]) -> str:
    for kind in ("pypi", "https", "oci", "file"):
        if _all_have(kind, written):
            return kind
    raise KitError(
        "modelSource",
        "the model hub does not answer and the catalog has no other source for every model",
        "Put the files into a folder and set slm-kit:modelSource file and slm-kit:modelFolder.",
    )


def _all_have(kind: str, written: Mapping[str, Any]) -> bool:
    kinds = [
        {variant.source.kind for variant in catalog.find(str(model.get("name"))).variants.values()}
        for model in _models(written)
    ]
    return bool(kinds) and all(kind in each for each in kinds)
