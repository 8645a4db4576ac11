"""What fits where the asked does not: the nearest first, and only what the stack can use."""

from collections.abc import Iterator
from dataclasses import replace

from catalog.engines import engines
from catalog.hardware import Hardware, hardware
from catalog.models import Model, load
from catalog.sizing.candidates import Scope, first_fit
from catalog.sizing.demand import NOTHING_ASKED
from catalog.sizing.fit import Fit, Load

LEAST_CONTEXT = 512
"""A smaller context is no answer to anybody."""


def proposals(model: Model, wanted: Load, machine: Hardware, scope: Scope) -> str:
    """A sentence with what fits: another way here, else a smaller load here; a larger machine; a smaller
    model."""
    here = _other_way(model, wanted, machine, scope) or _smaller_load(model, wanted, machine, scope)
    known = [
        here,
        _larger_machine(model, wanted, machine, scope),
        _smaller_model(model, wanted, machine, scope),
    ]
    ways = [way for way in known if way]
    return f"What fits: {'; or '.join(ways)}." if ways else "Nothing in the catalog does."


def _nearest(model: Model, wanted: Load, machine: Hardware, scope: Scope) -> Fit | None:
    """On the engine that was asked for, else on another that the stack can run."""
    found = first_fit(model, wanted, machine, scope)
    if found is None and scope.engine is not None:
        others = [each for each in engines() if scope.admits(each) and each != scope.engine]
        return first_fit(model, wanted, machine, replace(scope, engine=None, engines=others))
    return found


def _other_way(model: Model, wanted: Load, machine: Hardware, scope: Scope) -> str:
    plain = first_fit(model, wanted, machine, replace(scope, demand=NOTHING_ASKED))
    found = first_fit(model, wanted, machine, scope) or plain or _nearest(model, wanted, machine, scope)
    if found is None:
        return ""
    count = f" and {found.gpus} GPUs" if found.gpus > 1 else ""
    without = " without these settings" if found is plain and scope.engine is not None else ""
    return f"{found.variant} on {engines()[found.engine].title}{count} here{without}"


def _smaller_load(model: Model, wanted: Load, machine: Hardware, scope: Scope) -> str:
    """The largest load that fits here: fewer requests at once first, then a shorter context."""
    for smaller in _smaller(wanted):
        found = first_fit(model, smaller, machine, scope)
        if found:
            return f"{smaller.concurrency} x {smaller.context} tokens here ({_way(found, scope)})"
    return ""


def _smaller(wanted: Load) -> Iterator[Load]:
    for requests in range(wanted.concurrency - 1, 0, -1):
        yield Load(wanted.context, requests)
    context = wanted.context
    while context > LEAST_CONTEXT:
        context = max(context // 2, LEAST_CONTEXT)
        yield Load(context, 1)


def _larger_machine(model: Model, wanted: Load, machine: Hardware, scope: Scope) -> str:
    """The next larger of its group, else of its kind, else of any."""
    larger = [each for each in hardware().values() if each.usable > machine.usable]
    larger.sort(key=lambda each: (each.group != machine.group, each.kind != machine.kind, each.usable))
    for each in larger:
        found = _nearest(model, wanted, each, scope)
        if found:
            count = f"{found.gpus} x " if found.gpus > 1 else ""
            return f"it on {count}{each.title} ({_way(found, scope)})"
    return ""


def _smaller_model(model: Model, wanted: Load, machine: Hardware, scope: Scope) -> str:
    """The largest smaller one of the same family."""
    family = model.name.partition("-")[0]
    smaller = [
        each
        for each in load().values()
        if each.name.partition("-")[0] == family
        and each.parameters < model.parameters
        and each.task == model.task
        and each.context_length >= wanted.context
    ]
    for each in sorted(smaller, key=lambda one: -one.parameters):
        found = _nearest(each, wanted, machine, scope)
        if found:
            return f"{each.title} here ({_way(found, scope)})"
    return ""


def _way(found: Fit, scope: Scope) -> str:
    """The variant, and its engine where that is not the one that was asked for."""
    same = found.engine == scope.engine
    return found.variant if same else f"{found.variant} on {engines()[found.engine].title}"
