"""How the tests of the live stack ask and wait."""

import time
from collections.abc import Callable
from typing import TypeVar

import httpx
import yaml

from stacks.config import plain_keys
from stacks.parsing import parse
from stacks.settings import NAMESPACE, StackSettings
from tests.stack.rig import Stack

Found = TypeVar("Found")


def settings_of_file(stack: Stack) -> StackSettings:
    """The stack's settings, as its own checkout reads them."""
    written = yaml.safe_load(stack.file.read_text())["config"]
    plain = {key: written[f"{NAMESPACE}:{key}"] for key in plain_keys() if f"{NAMESPACE}:{key}" in written}
    return parse(plain, written[f"{NAMESPACE}:keySecrets"])


def until(seconds: float, what: str, look: Callable[[], Found]) -> Found:
    """What `look` returns once it is something; it is asked each second."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(1)
    return found


def value(prometheus: httpx.Client, expression: str) -> float | None:
    """The one value of an instant query; None for none."""
    found = vector(prometheus, expression)
    assert len(found) < 2, f"{expression} has {len(found)} series"
    return next(iter(found.values()), None)


def vector(prometheus: httpx.Client, expression: str) -> dict[frozenset[tuple[str, str]], float]:
    """Values of an instant query by their labels, without the name."""
    answer = prometheus.get("/api/v1/query", params={"query": expression})
    assert answer.status_code == 200, answer.text
    return {
        frozenset((name, text) for name, text in each["metric"].items() if name != "__name__"): float(
            each["value"][1]
        )
        for each in answer.json()["data"]["result"]
    }
