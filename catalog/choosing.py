"""`engine: auto`: the engine and variant for a model, a machine and a load, with the reason.

The rules stand in catalog/sizing/candidates.py; this module applies them and says why.
"""

from dataclasses import dataclass

from catalog.engines import engines
from catalog.hardware import Hardware
from catalog.models import EngineName, Model
from catalog.sizing.candidates import can_serve, candidates
from catalog.sizing.fit import Fit, Load
from catalog.sizing.memory import GIB
from catalog.sizing.refusal import refusal


@dataclass(frozen=True)
class Choice:
    """What to serve a model with."""

    engine: EngineName
    variant: str
    """Name of the variant in the catalog."""
    reason: str
    """One sentence for the user."""
    fit: Fit


def choose_engine(
    model: Model,
    hardware: Hardware,
    context: int,
    concurrency: int,
    *,
    source_kind: str | None = None,
    engine: EngineName | None = None,
) -> Choice:
    """The best engine and variant that fit. KitError with the nearest that fits where nothing does.

    `source_kind` is the stack's modelSource: variants of other sources are left out. With `engine`
    only the variant is chosen.
    """
    load = Load(context, concurrency)
    passed: list[Fit] = []
    for found in candidates(model, load, hardware, engine=engine, source_kind=source_kind):
        if found.fits:
            reason = _reason(found, passed, asked=engine is not None)
            return Choice(found.engine, found.variant, reason, found)
        passed.append(found)
    raise refusal(model, load, hardware, passed, engine)


def _reason(found: Fit, passed: list[Fit], *, asked: bool) -> str:
    why = "you asked for it" if asked else _why(found)
    size = f"{found.estimate.needs / GIB:.1f} of {found.has / GIB:.1f} GiB"
    place = f"on each of {found.gpus} GPUs" if found.gpus > 1 else f"on {found.hardware.title}"
    text = f"{engines()[found.engine].title} because {why}; {found.variant} takes {size} {place}"
    if passed:
        text += f" ({passed[0].variant} does not fit: {_lack(passed[0])})"
    return text + "."


def _why(found: Fit) -> str:
    """The rule that put the engine first."""
    others = [each for each in found.hardware.runs if each != found.engine]
    unable = [engines()[each].title for each in others if not can_serve(each, found.model)]
    without = [engines()[each].title for each in others if each not in _engines_of(found.model)]
    if unable and found.model.task == "embedding":
        return f"{unable[0]} serves no embeddings"
    if found.engine == "vllm":
        count = found.load.concurrency
        return (
            f"it batches {count} requests at once on a GPU"
            if count > 1
            else "it is the first choice on a GPU"
        )
    if found.engine == "onnx":
        return "it is the faster one on processors"
    if without:
        return f"the catalog has no variant for {without[0]}"
    if not others:
        return "it is the one that runs there"
    if found.hardware.kind == "gpu" and found.load.concurrency == 1:
        return "one request at a time leaves nothing to batch"
    return f"nothing for {engines()[others[0]].title} fits"


def _engines_of(model: Model) -> set[EngineName]:
    return {variant.engine for variant in model.variants.values()}


def _lack(found: Fit) -> str:
    if found.problem:
        return found.problem
    return f"{found.estimate.needs / GIB:.1f} of {found.has / GIB:.1f} GiB"
