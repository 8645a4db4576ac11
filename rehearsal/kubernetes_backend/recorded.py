"""Telling a change of the cluster's from the server's own spelling.

The server fills in defaults and rewrites values (`1000m` becomes `1`). So outputs hold the object as the
server has it, and beside it, without repeating a value, what the inputs were: a refresh compares the
object with the recorded one and keeps every input whose place has not changed.
"""

from collections.abc import Mapping
from typing import Any

from rehearsal.backend import Properties

INPUTS = "__inputs"
"""Private output: the shape of the inputs, with values only where the server spells them differently."""

_GONE = object()


def shape(inputs: Any, live: Any) -> Any:
    """The inputs relative to the object: None is the same, else `of`, `each` or `value`."""
    if isinstance(inputs, Mapping) and isinstance(live, Mapping):
        return {"of": {key: shape(each, live.get(key, _GONE)) for key, each in inputs.items()}}
    if isinstance(inputs, list) and isinstance(live, list) and len(inputs) == len(live):
        return {"each": [shape(one, other) for one, other in zip(inputs, live, strict=True)]}
    return None if inputs == live and type(inputs) is type(live) else {"value": inputs}


def inputs_now(form: Any, recorded: Mapping[str, Any], live: Mapping[str, Any]) -> Properties:
    """The inputs that describe the object as it is now."""
    found = _restored(form, recorded, live)
    return {} if found is _GONE else dict(found)


def _restored(form: Any, recorded: Any, live: Any) -> Any:
    if live is _GONE and recorded is not _GONE:
        # An input that the server did not keep, such as an empty list, is recorded as the input alone.
        return recorded if form == {"value": recorded} else _GONE
    if form is None:
        return live
    if "value" in form:
        return form["value"] if live == recorded else live
    if "of" in form:
        if not isinstance(live, Mapping) or not isinstance(recorded, Mapping):
            return live
        made = {key: _restored(each, _at(recorded, key), _at(live, key)) for key, each in form["of"].items()}
        return {key: value for key, value in made.items() if value is not _GONE}
    if not isinstance(live, list) or not isinstance(recorded, list) or len(live) != len(recorded):
        return live
    return [_restored(*each) for each in zip(form["each"], recorded, live, strict=True)]


def _at(values: Mapping[str, Any], key: str) -> Any:
    return values.get(key, _GONE)
