"""`make images`: the kit's own images for a cluster, built here, tagged for a registry and pushed there."""

import functools
import hashlib
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from catalog import images as catalog_images
from catalog.errors import KitError
from components.image_reference import names_registry
from components.model_store import store_target
from ops import base_image, decide, docker_engine, edge, model_images
from ops.image_builder import DOCKER, STORE, STORE_TARGETS, Builder
from ops.paths import CHECKOUT, stack_file
from ops.say import step
from ops.shell import run
from ops.stack_settings import settings_of
from ops.targets import AZURE, EDGE
from stacks.image_settings import ImageSettings, with_registry
from stacks.kubernetes_settings import KubernetesSettings
from stacks.local_images import ENGINE_FOLDERS
from stacks.plan import Plan, plan

MONITORING = ("prometheus", "alertmanager", "collector", "loki")
TAG_LENGTH = 12


@dataclass(frozen=True)
class Wanted:
    """What `make images` was asked for. Without names and models: what the stack calls for."""

    prefix: str = "slm-kit"
    tag: str | None = None
    """Of the kit's images. Default: a digest of what they are made of: a changed image is a changed tag."""
    names: Sequence[str] = ()
    models: Sequence[str] = ()
    push: bool = False


def make(stack: str, asked: Wanted) -> None:
    """Build images of the kit as `<prefix>/<name>:<tag>`, and those of models; push them where asked.

    Raises KitError for what cannot be made, or not pushed, before anything is built.
    """
    if asked.push and not names_registry(f"{asked.prefix}/"):
        raise KitError(
            f"PUSH=1 with PREFIX={asked.prefix}",
            "names no registry: Docker would push to Docker Hub, and a cluster would never pull from there",
            f"{with_registry(asked.prefix)}.",
        )
    if asked.models or not asked.names:
        _begin(stack)
    names = tuple(asked.names) or (() if asked.models else _called_for(stack))
    for name in names:
        if name not in known():
            raise KitError(f"image {name!r}", f"the kit has {', '.join(known())}", "Name some of these.")
    variants = () if asked.names and not asked.models else model_images.wanted(stack, asked.models)
    mode = _mode(stack)
    settings = _settings(asked.prefix, asked.tag or digest(mode))
    docker_engine.ensure()
    builder = Builder.here(mode)

    @functools.cache
    def tools(target: str) -> str:
        """docker/model-tools, for use here."""
        reference = f"{settings.prefix}/{STORE}-{target}:{settings.tag}"
        builder.build(f"{STORE}-{target}", reference)
        return reference

    references = [f"{settings.prefix}/{name}:{settings.tag}" for name in names]
    for name, reference in zip(names, references, strict=True):
        builder.build(name, reference)
    references += model_images.make(variants, settings.prefix, tools, builder.found)
    if asked.push:
        _push(references)
    else:
        step("not pushed (PUSH=1 pushes): import them on each node, e.g. with `kind load docker-image`")
    print(_to_write(stack, settings, kit=bool(names), models=bool(variants)))


def add_flags(verb: ArgumentParser) -> None:
    """The flags of `python -m ops images`."""
    verb.add_argument("--prefix", default=Wanted.prefix, help="registry and repository")
    verb.add_argument("--tag", help="default: a digest of what the images are made of")
    verb.add_argument("--names", nargs="*", default=[], help="default: what the stack calls for")
    verb.add_argument("--models", nargs="*", default=[], help="models of the stack as images, these alone")
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


def _begin(stack: str) -> None:
    decide.begin(stack)
    if decide.target(stack) == AZURE:
        raise KitError(
            f"stack {stack} with target aks", "has no images", "Name a stack with target kubernetes: STACK=…"
        )


def _called_for(stack: str) -> tuple[str, ...]:
    if _has_sites(stack):
        sites = edge.plans_with_images(stack)
        return tuple(
            dict.fromkeys(name for each in sites for name in _serving(each.made, each.site.kubernetes))
        )
    settings = settings_of(stack, with_secrets=False)
    names = _serving(plan(settings), settings.kubernetes)
    if settings.monitoring.enabled:
        # As stacks/kubernetes_monitoring.py has them: nothing of a node, and Grafana where it is asked for.
        names += [*MONITORING, *(["grafana"] if settings.monitoring.grafana else [])]
    if settings.kubernetes is not None and settings.kubernetes.gpu_metrics_for is not None:
        names.append("gpu-exporter")
    return tuple(dict.fromkeys(names))


def _serving(made: Plan, cluster: KubernetesSettings | None) -> list[str]:
    """Images of gateway, model store and engines; one may be there twice."""
    names = ["gateway"]
    for each in made.hosted:
        if cluster is None or cluster.model_images is None:
            names.append(f"{STORE}-{store_target(each.serving.variant)}")
        if each.decision.engine in ENGINE_FOLDERS:
            names.append(ENGINE_FOLDERS[each.decision.engine])
    return names


def _push(references: Sequence[str]) -> None:
    for reference in references:
        step(f"pushing {reference}")
        run(["docker", "push", "--quiet", reference],
            why="pushing; `docker login` (for Azure `az acr login --name …`) lets you in")  # fmt: skip


def _to_write(stack: str, images: ImageSettings, *, kit: bool = True, models: bool = False) -> str:
    """Where in the stack's file the images are named, and how."""
    place = "`docker` or `kubernetes` of each site" if _has_sites(stack) else "slm-kit:kubernetes"
    parts = [f'images: {{prefix: {images.prefix}, tag: "{images.tag}"}}'] if kit else []
    parts += [f"modelImages: {{prefix: {images.prefix}}}"] if models else []
    return f"{place}: {{{', '.join(parts)}}}"


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
