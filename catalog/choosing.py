"""`engine: auto`: the engine and variant for a model, a machine and a load, with the reason.

The rules stand in catalog/sizing/candidates.py; this module applies them and says why.
"""

from collections.abc import Collection
from dataclasses import dataclass

from catalog.engines import engines as known_engines
from catalog.hardware import Hardware
from catalog.models import EngineName, Model
from catalog.sizing.candidates import Scope, can_serve, candidates, engine_order
from catalog.sizing.demand import NOTHING_ASKED, Demand
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
    """For the user: a sentence, and another where something is left to do."""
    fit: Fit


def choose_engine(
    model: Model,
    hardware: Hardware,
    context: int,
    concurrency: int,
    *,
    source_kind: str | None = None,
    engine: EngineName | None = None,
    engines: Collection[EngineName] | None = None,
    demand: Demand = NOTHING_ASKED,
) -> Choice:
    """The best engine and variant that fit. KitError with the nearest that fits where nothing does.

    `source_kind` is the stack's modelSource: variants of other sources are left out. `engines` are those that
    the stack can run; default all. With `engine` only the variant is chosen, and `demand` is what that
    engine's settings change.
    """
    load = Load(context, concurrency)
    scope = Scope(engine, source_kind, engines, demand)
    passed: list[Fit] = []
    for found in candidates(model, load, hardware, scope):
        if found.fits:
            return Choice(found.engine, found.variant, _reason(found, passed, scope), found)
        passed.append(found)
    raise refusal(model, load, hardware, passed, scope)


def _reason(found: Fit, passed: list[Fit], scope: Scope) -> str:
    why = _why(found, scope) if scope.engine is None else "you asked for it"
    place = f"on each of {found.gpus} GPUs" if found.gpus > 1 else f"on {found.hardware.title}"
    text = f"{_title(found.engine)} because {why}; {found.variant} takes {_size(found)} {place}"
    if passed:
        # On the same GPUs where one was passed over there too: that is what decided.
        alike = [each for each in passed if each.gpus == found.gpus] or passed
        where = f" on {alike[0].gpus} GPU" if alike[0].gpus != found.gpus else ""
        lack = (
            f"cannot run: {alike[0].problem}"
            if alike[0].problem
            else f"does not fit{where}: {_size(alike[0])}"
        )
        text += f" ({alike[0].variant} {lack})"
    variant = found.model.variants[found.variant]
    step = "" if variant.locked else f" Its revision is open: run make lock-models MODELS={found.model.name}."
    return f"{text}.{step}"


def _why(found: Fit, scope: Scope) -> str:
    """The rule that put the engine first, or what is against each of those before it."""
    order = engine_order(found.hardware, found.load.concurrency)
    before = order[: order.index(found.engine)]
    if before:
        return " and ".join(_against(each, found, scope) for each in before)
    if len(order) == 1:
        return "it is the one that runs there"
    if found.engine == "onnx":
        return "it is the faster one on processors"
    if found.engine == "vllm":
        count = found.load.concurrency
        return f"it batches {count} requests at once on a GPU" if count > 1 else "it comes first on a GPU"
    return "one request at a time leaves nothing to batch"


def _against(engine: EngineName, found: Fit, scope: Scope) -> str:
    """Why an engine that comes first by the rules was not taken."""
    variants = [each for each in found.model.variants.values() if each.engine == engine]
    if not can_serve(engine, found.model):
        return f"{_title(engine)} serves no embeddings"
    if not scope.admits(engine):
        return f"this stack cannot run {_title(engine)}"
    if not variants:
        return f"the catalog has no variant for {_title(engine)}"
    if not any(map(scope.has, variants)):
        return f"no variant for {_title(engine)} comes from {scope.source_kind}"
    on = f" on {found.gpus} GPU{'s' if found.gpus > 1 else ''}" if found.gpus else ""
    return f"nothing for {_title(engine)} fits{on}"


def _title(engine: EngineName) -> str:
    return known_engines()[engine].title


def _size(found: Fit) -> str:
    there = "" if found.has is None else f" of {found.has / GIB:.1f}"
    return f"{found.estimate.needs / GIB:.1f}{there} GiB"
