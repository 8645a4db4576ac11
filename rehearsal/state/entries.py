"""State entries made from registrations."""

from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.model import Registration
from rehearsal.state.checkpoint import Resource
from rehearsal.urns import STACK_TYPE


def outputs_of(resources: list[Resource]) -> dict[str, Any]:
    """The stack's outputs in a list of state entries."""
    roots = [each.outputs for each in resources if each.type == STACK_TYPE]
    return dict(roots[0]) if roots else {}


def entry(urn: str, wanted: Registration) -> Resource:
    """A registration as a state entry, without id and outputs."""
    return Resource(
        urn=urn,
        type=wanted.type,
        custom=wanted.custom,
        inputs=wanted.inputs,
        parent=wanted.parent,
        provider=wanted.provider,
        dependencies=tuple(wanted.dependencies),
        property_dependencies=wanted.property_dependencies,
        protect=wanted.protect,
        retain_on_delete=wanted.retain_on_delete,
        additional_secret_outputs=tuple(wanted.additional_secret_outputs),
        custom_timeouts=_seconds(wanted.custom_timeouts),
        ignore_changes=tuple(wanted.ignore_changes),
        replace_on_changes=tuple(wanted.replace_on_changes),
    )


def _seconds(timeouts: dict[str, str]) -> dict[str, Any]:
    """Checkpoints hold seconds; the program says `10m`."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    found: dict[str, Any] = {}
    for name, text in timeouts.items():
        total, number = 0.0, ""
        rest = text
        while rest:
            digits = len(rest) - len(rest.lstrip("0123456789."))
            number, rest = rest[:digits], rest[digits:]
            unit = next((each for each in units if rest.startswith(each) and number), None)
            if unit is None:
                raise RehearsalError(
                    f"custom timeout {name}={text!r}",
                    "it is written 30s, 10m or 1h30m",
                    "correct it",
                )
            total, rest = total + float(number) * units[unit], rest[len(unit) :]
        found[name] = total
    return found
