"""Refuse inputs that the backend does not know or cannot use, before anything is done."""

import re
from collections.abc import Mapping
from typing import Any

from rehearsal.backend import UNKNOWN, Properties, RefusedError
from rehearsal.docker_backend.schema import Field, Fields

WORDS = {str: "text", int: "a whole number", bool: "true or false", dict: "an object"}


def checked(where: str, fields: Fields, inputs: Mapping[str, Any]) -> Properties:
    """`inputs` without nulls and with whole numbers as int. Raises RefusedError naming the input."""
    given = {key: value for key, value in inputs.items() if value is not None}
    for key in given:
        if key not in fields:
            raise RefusedError(
                f"{where}: the rehearsal does not implement the input {key!r}. Leave it out, or run "
                "the program with the Pulumi CLI."
            )
    for key, field in fields.items():
        if field.required and key not in given:
            raise RefusedError(f"{where}: the input {key!r} is required. Set it.")
    return {key: _value(f"{where}: {key}", fields[key], value) for key, value in given.items()}


def _value(where: str, field: Field, value: Any) -> Any:
    if isinstance(value, str) and value == UNKNOWN:
        return value
    if field.shape == "one":
        return _one(where, field, value)
    if field.shape == "map":
        _expect(where, "an object", isinstance(value, Mapping))
        return {key: _value(f"{where}.{key}", _single(field), each) for key, each in value.items()}
    _expect(where, "a list", isinstance(value, list))
    return [_value(f"{where}[{at}]", _single(field), each) for at, each in enumerate(value)]


def _single(field: Field) -> Field:
    return Field(field.kind, fields=field.fields, private=field.private, pattern=field.pattern)


def _one(where: str, field: Field, value: Any) -> Any:
    if field.fields is not None:
        _expect(where, WORDS[dict], isinstance(value, Mapping))
        return checked(where, field.fields, value)
    if field.kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    right = isinstance(value, field.kind) and (field.kind is bool or not isinstance(value, bool))
    _expect(where, WORDS[field.kind], right)
    shown = "" if field.private else f" {value!r}"
    if field.pattern is not None and not re.fullmatch(field.pattern, value):
        raise RefusedError(f"{where}:{shown} does not match {field.pattern}. Correct it.")
    if field.at_least is not None and value < field.at_least:
        raise RefusedError(f"{where}:{shown} is below the least, {field.at_least}. Raise it.")
    return value


def _expect(where: str, word: str, right: bool) -> None:
    if not right:
        raise RefusedError(f"{where} must be {word}. Correct its type.")
