"""What does not fit is refused before anything is created, with the nearest that does."""

from collections.abc import Mapping, Sequence

from catalog.engines import engines
from catalog.errors import KitError
from catalog.hardware import Hardware, hardware
from catalog.models import EngineName, Model, load
from catalog.sizing.candidates import first_fit
from catalog.sizing.fit import Fit, Load, fit, runnable
from catalog.sizing.memory import GIB

LEAST_CONTEXT = 512
"""A smaller context is no answer to anybody."""


def fit_or_refuse(
    model: Model,
    variant: str,
    wanted: Load,
    machine: Hardware,
    *,
    gpus: int | None = None,
    kv_type: str | None = None,
) -> Fit:
    """The variant on the machine, on as few GPUs as it fits on or on `gpus`.

    KitError naming need, limit and the nearest that fits where it does not.
    """
    if not runnable(model, variant, machine):
        engine = engines()[model.variants[variant].engine].title
        raise KitError(
            f"{variant} of {model.title} on {machine.title}",
            f"{engine} does not run there, only {' or '.join(engines()[e].title for e in machine.runs)}",
            "Choose another variant or machine.",
        )
    found = fit(model, variant, wanted, machine, gpus=gpus, kv_type=kv_type)
    if found.fits:
        return found
    raise refusal(model, wanted, machine, [found])


def refusal(
    model: Model, wanted: Load, machine: Hardware, tried: Sequence[Fit], engine: EngineName | None = None
) -> KitError:
    """Why none of the tried fits, and what would."""
    asked = f"{model.title} for {wanted.concurrency} x {wanted.context} tokens on {machine.title}"
    if not tried:
        return KitError(
            asked, "no variant of it is for an engine that runs there", _step(model, wanted, machine, engine)
        )
    able = [each for each in tried if not each.problem]
    if not able:
        return KitError(asked, tried[0].problem, _step(model, wanted, machine, engine))
    nearest = min(able, key=lambda each: (each.missing, each.gpus))
    return KitError(asked, shortage(nearest), _step(model, wanted, machine, engine))


def shortage(found: Fit) -> str:
    """What is needed, of which parts, and what is there."""
    size = found.estimate
    parts = {"weights": size.weights, "KV cache": size.kv, "engine": size.overhead}
    if size.needs > size.total:
        parts["margin"] = size.needs - size.total
    listed = ", ".join(f"{name} {value / GIB:.1f}" for name, value in parts.items())
    on_each = f" on each of {found.gpus} GPUs" if found.gpus > 1 else ""
    return (
        f"{found.variant} on {engines()[found.engine].title} comes nearest and needs "
        f"{size.needs / GIB:.1f} GiB{on_each} ({listed}), {found.has / GIB:.1f} are there"
    )


def _step(model: Model, wanted: Load, machine: Hardware, engine: EngineName | None) -> str:
    ways = [
        _other_variant(model, wanted, machine),
        _smaller_load(model, wanted, machine, engine),
        _larger_machine(model, wanted, machine, engine),
        _smaller_model(model, wanted, machine, engine, load()),
    ]
    known = [way for way in ways if way]
    return f"What fits: {'; or '.join(known)}." if known else "Nothing in the catalog does."


def _other_variant(model: Model, wanted: Load, machine: Hardware) -> str:
    found = first_fit(model, wanted, machine)
    return f"{found.variant} on {engines()[found.engine].title} here" if found else ""


def _smaller_load(model: Model, wanted: Load, machine: Hardware, engine: EngineName | None) -> str:
    """The largest load that fits here: fewer requests at once first, then a shorter context."""
    requests, context = wanted.concurrency, wanted.context
    while requests > 1 or context > LEAST_CONTEXT:
        if requests > 1:
            requests -= 1
        else:
            context = max(context // 2, LEAST_CONTEXT)
        found = first_fit(model, Load(context, requests), machine, engine=engine)
        if found:
            return f"{requests} x {context} tokens here ({found.variant})"
    return ""


def _larger_machine(model: Model, wanted: Load, machine: Hardware, engine: EngineName | None) -> str:
    """The next larger of its group, else of its kind, else of any."""
    larger = [each for each in hardware().values() if each.usable > machine.usable]
    larger.sort(key=lambda each: (each.group != machine.group, each.kind != machine.kind, each.usable))
    for each in larger:
        found = first_fit(model, wanted, each, engine=engine)
        if found:
            return f"it on {_machine(found)} ({found.variant})"
    return ""


def _smaller_model(
    model: Model, wanted: Load, machine: Hardware, engine: EngineName | None, models: Mapping[str, Model]
) -> str:
    """The largest smaller one of the same family."""
    family = model.name.partition("-")[0]
    smaller = [
        each
        for each in models.values()
        if each.name.partition("-")[0] == family
        and each.parameters < model.parameters
        and each.task == model.task
        and each.context_length >= wanted.context
    ]
    for each in sorted(smaller, key=lambda one: -one.parameters):
        found = first_fit(each, wanted, machine, engine=engine)
        if found:
            return f"{each.title} here ({found.variant})"
    return ""


def _machine(found: Fit) -> str:
    return f"{found.gpus} x {found.hardware.title}" if found.gpus > 1 else found.hardware.title
