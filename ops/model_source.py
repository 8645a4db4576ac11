"""Where the models of a stack can come from on this machine, while its config leaves that open."""

from collections.abc import Mapping
from typing import Any

import httpx

from catalog import models as catalog
from catalog.errors import KitError
from ops.trust import system_trust
from stacks.settings import NAMESPACE

HUB = "https://huggingface.co"
PROBE_SECONDS = 5


def hosted(written: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Models that an engine of the stack is to serve, as config has them, checked or not."""
    models = written.get(f"{NAMESPACE}:models")
    if not isinstance(models, list):
        return []
    return [each for each in models if isinstance(each, dict) and each.get("engine") != "external"]


def choose(written: Mapping[str, Any]) -> tuple[str, str]:
    """The kind of source that answers here and has every hosted model, and why."""
    answers = _hub_answers(written)
    source = "hf" if answers and _all_have("hf", written) else other_source(written)
    if not answers:
        return source, "the model hub does not answer"
    return source, "the model hub answers" if source == "hf" else "the model hub lacks one of the models"


def _catalog_name(model: Mapping[str, Any]) -> str:
    return str(model.get("model") or model.get("name"))


def _hub_answers(written: Mapping[str, Any]) -> bool:
    for model in hosted(written):
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
    return "hf" if _all_have("hf", written) else other_source(written)


def other_source(written: Mapping[str, Any]) -> str:
    """The first kind beside the hub that has a variant of every hosted model. Raises KitError without one."""
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
    open_models = [model for model in hosted(written) if not model.get("variant")]
    return all(
        any(
            variant.source.kind == kind and model.get("engine", "auto") in (variant.engine, "auto")
            for variant in catalog.find(_catalog_name(model)).variants.values()
        )
        for model in open_models
    )
