"""Refuses names that could leave their place in HAProxy's language, and numbers out of bounds."""

import re
from collections.abc import Sequence

from catalog.errors import KitError

MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*\.?")
PATH = re.compile(r"/[A-Za-z0-9/._-]{0,127}")


def check_key_id(value: str) -> None:
    """Refuses a key id that could leave its place in a map."""
    check_match(KEY_ID, value, "key id")


def check_unique(what: str, values: Sequence[str]) -> None:
    """Refuses a value that is there twice."""
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise KitError(f"{what} {repeated[0]!r}", "it is there twice", "Keep one of them.")


def check_whole(name: str, value: int, low: int, high: int) -> None:
    """Refuses what is no whole number in these bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise KitError(f"{name} is {value!r}", f"allowed is {low} to {high}", "Change the number.")


def check_between(name: str, value: float, low: float, high: float) -> None:
    """Refuses what is no number in these bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise KitError(f"{name} is {value!r}", f"allowed is {low} to {high}", "Change the number.")


def check_match(pattern: re.Pattern[str], value: str, what: str) -> None:
    """Refuses what the pattern does not match as a whole."""
    if not pattern.fullmatch(value):
        raise KitError(f"{what} {value!r}", f"it must match {pattern.pattern}", "Choose another.")
