"""Models as images for clusters: fetched, verified and converted here by docker/model-tools."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from catalog.errors import KitError
from catalog.models import Model
from catalog.sources import store_path
from components.model_images import ModelImages
from components.model_store import SOURCE_PATH, Files, job, store_target
from components.models import STORE_PATH
from components.workload import Mount
from ops import base_image, decide, edge, model_source
from ops.hub import local_token
from ops.model_containers import import_folder, remove_volume, run_job
from ops.say import step
from ops.stack_settings import settings_of
from ops.targets import EDGE
from ops.trust import Trust
from stacks.plan import Hosted, plan


@dataclass(frozen=True)
class Variant:
    """One that is to be an image."""

    model: Model
    name: str
    folder: str | None = None
    """Of this machine, with the files of `file` sources."""

    @property
    def path(self) -> str:
        """Its folder in a store, and in the image."""
        return store_path(self.model.name, self.name, self.model.variants[self.name].source)


def wanted(stack: str, models: Sequence[str]) -> list[Variant]:
    """Variants of these models of a stack; without names all that it has as images. Raises KitError."""
    if decide.target(stack) == EDGE:
        clusters = [site for site in edge.plans(stack) if site.site.kubernetes is not None]
        hosted = [
            each
            for site in clusters
            for each in site.made.hosted
            if models or (site.site.kubernetes and site.site.kubernetes.model_images)
        ]
        return _chosen([(each, None) for each in hosted], models)
    settings = settings_of(stack, with_secrets=False)
    if settings.kubernetes is None or not (models or settings.kubernetes.model_images):
        if models:
            raise KitError(
                f"models {', '.join(models)}", "are images for a cluster only", "Leave MODELS out."
            )
        return []
    _refuse_open_source(stack)
    return _chosen([(each, settings.model_folder) for each in plan(settings).hosted], models)


def make(variants: Sequence[Variant], prefix: str, tools: Callable[[str], str], found: Trust) -> list[str]:
    """Make each as an image below `prefix`, if it is not there; the references.

    `tools` gives the image of docker/model-tools by its target. An interrupted run is continued.
    """
    images = ModelImages(prefix)
    references = []
    for each in variants:
        reference = images.reference(each.model, each.name)
        references.append(reference)
        if base_image.exists(reference):
            step(f"{reference} is there already")
            continue
        step(f"fetching {each.name} of {each.model.name}")
        _make(each, reference, tools(store_target(each.model.variants[each.name])), found)
    return references


def _make(variant: Variant, reference: str, tools: str, found: Trust) -> None:
    # Named by what is made: what an interrupted run left is found again.
    volume = f"slm-kit-{reference.rpartition('/')[2].replace(':', '-')}"
    mounts = [Mount(STORE_PATH, volume=volume, read_only=False)]
    if variant.folder is not None and variant.model.variants[variant.name].source.kind == "file":
        mounts.append(Mount(SOURCE_PATH, host_folder=variant.folder))
    config = {"ca.pem": found.authorities} if found.authorities else {}
    network = _network(found)
    secret = {"network.json": json.dumps(network)} if network else {}
    run_job(job(variant.model, variant.name, tools, Files(mounts, config, secret)))
    step(f"packing {reference}")
    import_folder(volume, variant.path, tools, reference)
    remove_volume(volume)


def _network(found: Trust) -> dict[str, str]:
    """How this machine reaches the outside, the hub and its token included."""
    endpoint, token = os.environ.get("HF_ENDPOINT"), local_token()
    asked: Mapping[str, str | None] = {"hubEndpoint": endpoint, "hubToken": token}
    return {**found.downloads, **{key: value for key, value in asked.items() if value}}


def _refuse_open_source(stack: str) -> None:
    """What `make up` decides by itself later, perhaps elsewhere, must be the same here."""
    written = decide.config(stack)
    if f"{decide.PREFIX}modelSource" in written:
        return
    if all(model.get("variant") for model in model_source.hosted(written)):
        return
    source, why = model_source.choose(written)
    raise KitError(
        f"{decide.PREFIX}modelSource",
        "is open, so which variants are to be images is not known",
        f"Write it into the stack's file, here {source} ({why}), or name a `variant` for each model.",
    )


def _chosen(hosted: Sequence[tuple[Hosted, str | None]], models: Sequence[str]) -> list[Variant]:
    names = [each.serving.name for each, _ in hosted]
    for name in models:
        if name not in names:
            raise KitError(f"model {name!r}", f"the stack hosts {', '.join(names)}", "Name some of these.")
    found = {
        (each.serving.model.name, each.serving.variant_name): Variant(
            each.serving.model, each.serving.variant_name, folder
        )
        for each, folder in hosted
        if not models or each.serving.name in models
    }
    return list(found.values())
