"""Compare inputs the way the provider does: sets without order, defaults filled in."""

from collections.abc import Mapping
from typing import Any

from rehearsal.docker_backend.schema import Field, Fields, has_unknown


def changed(fields: Fields, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the inputs that differ; one that holds an unknown differs."""
    return tuple(key for key, field in fields.items() if not _same(field, old.get(key), new.get(key)))


def _same(field: Field, old: Any, new: Any) -> bool:
    if has_unknown(new):
        return False
    if field.keeps and (new is None or new in ("", [], {})):
        return True
    return bool(canonical(field, old) == canonical(field, _kept(field, old, new)))


def canonical(field: Field, value: Any) -> Any:
    """One spelling for equal values: absent, the default and the zero value are the same."""
    if value is None:
        value = field.default
    if value is None or value in ("", [], {}):
        return None
    if field.shape == "map":
        return dict(value)
    if field.shape == "list":
        return [_one(field, each) for each in value]
    if field.shape == "set":
        return sorted((_one(field, each) for each in value), key=repr)
    if value in (0, False) and field.default is None:
        return None
    return _one(field, value)


def _one(field: Field, value: Any) -> Any:
    if field.fields is None or not isinstance(value, Mapping):
        return value
    # Sorted by name, so that equal objects have equal text when a set is put in order.
    spelled = {key: canonical(each, value.get(key)) for key, each in sorted(field.fields.items())}
    return {key: each for key, each in spelled.items() if each is not None}


def _kept(field: Field, old: Any, new: Any) -> Any:
    """`new` with what the engine filled in, e.g. the host port it picked for a published port."""
    keeping = [key for key, each in (field.fields or {}).items() if each.keeps]
    if field.shape != "list" or not keeping or not isinstance(old, list) or len(old) != len(new):
        return new
    return [
        {**{key: before[key] for key in keeping if key in before}, **after}
        for before, after in zip(old, new, strict=True)
    ]
