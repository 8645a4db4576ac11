"""What does not fit is refused before anything is created, with why."""

from collections.abc import Collection, Sequence

from catalog.engines import engines as known_engines
from catalog.errors import KitError
from catalog.hardware import Hardware
from catalog.models import EngineName, Model
from catalog.sizing.candidates import ANYTHING, Scope
from catalog.sizing.demand import NOTHING_ASKED, Demand
from catalog.sizing.fit import Fit, Load, cache_problem, fit, runnable
from catalog.sizing.memory import GIB, MIB
from catalog.sizing.proposals import proposals


def fit_or_refuse(
    model: Model,
    variant: str,
    wanted: Load,
    machine: Hardware,
    *,
    gpus: int | None = None,
    demand: Demand = NOTHING_ASKED,
    source_kind: str | None = None,
    engines: Collection[EngineName] | None = None,
) -> Fit:
    """The variant on the machine, on as few GPUs as it fits on or on `gpus`.

    `demand` is what the engine's settings change. `source_kind` and `engines` are what the stack has: nothing
    else is proposed. KitError naming need, limit and the nearest that fits where it does not.
    """
    engine = model.variants[variant].engine
    if not runnable(model, variant, machine):
        raise KitError(
            f"{variant} of {model.title} on {machine.title}",
            f"{known_engines()[engine].title} does not run there, "
            f"only {' or '.join(known_engines()[each].title for each in machine.runs)}",
            "Choose another variant or machine.",
        )
    found = fit(model, variant, wanted, machine, gpus=gpus, demand=demand)
    if found.fits:
        return found
    cache = cache_problem(found.estimate, demand)
    if cache:
        raise KitError(
            f"{model.title} for {wanted.concurrency} x {wanted.context} tokens",
            cache,
            f"Set it to {-(-found.estimate.kv // MIB)} MiB or more, leave it out, or lower contextLength or "
            "concurrency.",
        )
    raise refusal(model, wanted, machine, [found], Scope(engine, source_kind, engines, demand))


def refusal(
    model: Model, wanted: Load, machine: Hardware, tried: Sequence[Fit], scope: Scope = ANYTHING
) -> KitError:
    """Why none of the tried fits, and what would."""
    asked = f"{model.title} for {wanted.concurrency} x {wanted.context} tokens on {machine.title}"
    if all(variant.engine == "external" for variant in model.variants.values()):
        return KitError(
            asked,
            "no engine of the kit serves it",
            "Set `engine: external` and name the endpoint that does (docs/guides/external.md).",
        )
    step = proposals(model, wanted, machine, scope)
    if not tried:
        return KitError(asked, _nothing(model, scope), step)
    able = [each for each in tried if not each.problem]
    if not able:
        return KitError(asked, tried[0].problem, step)
    return KitError(asked, _shortage(min(able, key=lambda each: (each.missing, each.gpus))), step)


def _nothing(model: Model, scope: Scope) -> str:
    """What leaves no way to serve the model: its variants, or what the stack has."""
    said = "no variant of it is for an engine that runs there"
    if scope.source_kind is not None and not any(map(scope.has, model.variants.values())):
        return f"{said}: none comes from {scope.source_kind}"
    return f"{said}: the stack can run {', '.join(scope.engines)}" if scope.engines is not None else said


def _shortage(found: Fit) -> str:
    """What is needed, of which parts, and what is there."""
    size = found.estimate
    parts = {"weights": size.weights, "KV cache": size.kv, "engine": size.overhead}
    if size.needs > size.total:
        parts["margin"] = size.needs - size.total - size.extra
        parts["asked for beside"] = size.extra
    listed = ", ".join(f"{name} {value / GIB:.1f}" for name, value in parts.items() if value)
    on_each = f" on each of {found.gpus} GPUs" if found.gpus > 1 else ""
    return (
        f"{found.variant} on {known_engines()[found.engine].title} comes nearest and needs "
        f"{size.needs / GIB:.1f} GiB{on_each} ({listed}), {(found.has or 0) / GIB:.1f} are there"
    )
