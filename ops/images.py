"""`make images`: the kit's own images for a cluster, built here, tagged for a registry and pushed there."""

import hashlib
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from catalog import images as catalog_images
from catalog import models as catalog
from catalog.errors import KitError
from components.model_store import store_target
from ops import base_image, decide, docker_engine, edge, trust
from ops.paths import CHECKOUT, stack_file
from ops.say import step
from ops.shell import run
from ops.stack_settings import settings_of
from ops.targets import AZURE, EDGE
from stacks.config import PROXY_NAMES
from stacks.kubernetes_settings import ImageSettings
from stacks.local_images import ENGINE_FOLDERS
from stacks.plan import Plan, plan

DOCKER = CHECKOUT / "docker"
STORE = "model-tools"
STORE_TARGETS = ("fetch", "convert", "convert-gguf")
MONITORING = ("prometheus", "alertmanager", "collector", "loki")
TAG_LENGTH = 12


def make(stack: str, prefix: str, tag: str | None, names: Sequence[str], *, push: bool) -> None:
    """Build `names` (default: what the stack calls for) as `<prefix>/<name>:<tag>`; push them where asked.

    `tag` defaults to a digest of what the images are made of: a changed image is a changed tag.
    """
    wanted = tuple(names) or _called_for(stack)
    for name in wanted:
        if name not in known():
            raise KitError(f"image {name!r}", f"the kit has {', '.join(known())}", "Name some of these.")
    docker_engine.ensure()
    mode = _mode(stack)
    settings = _settings(prefix, tag or digest(mode))
    base = base_image.ensure_base(mode)
    found = trust.find()
    bases = {"BASE": base, "BUILD_BASE": base_image.ensure_build_base(base, found) or base}
    for name in wanted:
        reference = f"{settings.prefix}/{name}:{settings.tag}"
        step(f"building {reference}")
        _build(name, reference, mode, bases, found)
    if push:
        for name in wanted:
            step(f"pushing {settings.prefix}/{name}:{settings.tag}")
            run(["docker", "push", "--quiet", f"{settings.prefix}/{name}:{settings.tag}"],
                why="pushing; `docker login` (for Azure `az acr login --name …`) lets you in")  # fmt: skip
    else:
        step("not pushed (PUSH=1 pushes): import them on each node, e.g. with `kind load docker-image`")
    print(_to_write(stack, settings))


def add_flags(verb: ArgumentParser) -> None:
    """The flags of `python -m ops images`."""
    verb.add_argument("--prefix", default="slm-kit", help="registry and repository")
    verb.add_argument("--tag", help="default: a digest of what the images are made of")
    verb.add_argument("--names", nargs="*", default=[], help="default: what the stack calls for")
    verb.add_argument("--push", action="store_true")


def known() -> list[str]:
    """Names of all images of the kit."""
    folders = sorted(each.name for each in DOCKER.iterdir() if each.is_dir() and each.name != STORE)
    return [*folders, *(f"{STORE}-{target}" for target in STORE_TARGETS)]


def digest(mode: str) -> str:
    """Of everything that images are made of: files with their rights, and references of what is pulled."""
    found = hashlib.sha256(f"{mode}\0".encode())
    rows = Path(catalog_images.__file__).with_name("images.yaml")
    for file in [rows, *sorted(each for each in DOCKER.rglob("*") if each.is_file())]:
        if not any(
            part.startswith(".") or part == "__pycache__" for part in file.relative_to(CHECKOUT).parts
        ):
            executable = os.access(file, os.X_OK)
            found.update(f"{file.relative_to(CHECKOUT)}\0{executable}\0".encode() + file.read_bytes())
    return found.hexdigest()[:TAG_LENGTH]


def _called_for(stack: str) -> tuple[str, ...]:
    decide.begin(stack)
    if decide.target(stack) == AZURE:
        raise KitError(
            f"stack {stack} with target aks", "has no images", "Name a stack with target kubernetes: STACK=…"
        )
    if _has_sites(stack):
        sites = edge.plans_with_images(stack)
        return tuple(dict.fromkeys(name for site in sites for name in _serving(site)))
    settings = settings_of(stack, with_secrets=False)
    names = _serving(plan(settings))
    if settings.monitoring.enabled:
        # As stacks/kubernetes_monitoring.py has them: nothing of a node, and Grafana where it is asked for.
        names += [*MONITORING, *(["grafana"] if settings.monitoring.grafana else [])]
    if settings.kubernetes is not None and settings.kubernetes.gpu_metrics_for is not None:
        names.append("gpu-exporter")
    return tuple(dict.fromkeys(names))


def _serving(made: Plan) -> list[str]:
    """Images of gateway, model store and engines; one may be there twice."""
    names = ["gateway"]
    for each in made.hosted:
        variant = catalog.find(each.serving.model.name).variants[each.decision.variant]
        names.append(f"{STORE}-{store_target(variant)}")
        if each.decision.engine in ENGINE_FOLDERS:
            names.append(ENGINE_FOLDERS[each.decision.engine])
    return names


def _to_write(stack: str, images: ImageSettings) -> str:
    """Where in the stack's file the images are named, and how."""
    place = "`docker` or `kubernetes` of each site" if _has_sites(stack) else "slm-kit:kubernetes"
    return f'{place}: {{images: {{prefix: {images.prefix}, tag: "{images.tag}"}}}}'


def _has_sites(stack: str) -> bool:
    return stack_file(stack).exists() and decide.target(stack) == EDGE


def _mode(stack: str) -> str:
    """As the stack's config says, else as for a stack on this machine."""
    there = stack_file(stack).exists()
    written = decide.config(stack).get(f"{decide.PREFIX}images") if there else None
    return str(written or ("upstream" if base_image.registry_answers() else "build"))


def _settings(prefix: str, tag: str) -> ImageSettings:
    try:
        return ImageSettings(prefix=prefix, tag=tag)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise KitError(f"{first['loc'][0]} {first['input']!r}", first["msg"], "Give another.") from error


def _build(name: str, reference: str, mode: str, bases: dict[str, str], found: trust.Trust) -> None:
    folder, target = (STORE, name.removeprefix(f"{STORE}-")) if name.startswith(STORE) else (name, "runtime")
    context, arguments = DOCKER / folder, dict(bases)
    file = context / "Dockerfile.upstream"
    if file.exists() and mode == "upstream":
        arguments["UPSTREAM"] = catalog_images.upstream_image(name)
    else:
        file = context / "Dockerfile"
    if not file.exists():
        raise KitError(f"image {name!r}", "is made from one that must be pulled", "Leave it out here.")
    given = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
    proxies = {name: found.downloads[key] for key, name in PROXY_NAMES.items() if key in found.downloads}
    # Values of proxies travel in the environment, not in the arguments.
    given += [part for each in proxies for part in ("--build-arg", each)]
    run(
        ["docker", "build", "--quiet", "--file", str(file), "--target", target, "--tag", reference, *given,
         str(context)],
        why=f"building {reference}", environment={**os.environ, **proxies, "DOCKER_BUILDKIT": "0"},
    )  # fmt: skip
