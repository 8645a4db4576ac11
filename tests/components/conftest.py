"""The local stack as its program registers it: rendered once, looked at by many tests."""

from typing import Any

import pytest

from rehearsal import Rendering, render
from stacks.config import SECRET_KEYS
from tests.conftest import ROOT

KEY = "slm-" + "k" * 43
PASSWORD = "p" * 43
CONFIG: dict[str, Any] = {
    "slm-kit:target": "local-docker",
    "slm-kit:models": [{"name": "smollm2-135m-instruct", "contextLength": 1024, "concurrency": 2}],
    "slm-kit:keys": [{"id": "default", "requestsPerMinute": 60}],
    "slm-kit:keySecrets": {"default": KEY},
    "slm-kit:passwords": {"monitoring": PASSWORD},
    "slm-kit:modelSource": "pypi",
    "slm-kit:imageBase": "slm-kit/base:trixie",
}
SECRETS = {f"slm-kit:{key}" for key in SECRET_KEYS}


def render_stack(**changes: Any) -> Rendering:
    """The local stack with some config changed; keys without their namespace."""
    config = {**CONFIG, **{f"slm-kit:{key}": value for key, value in changes.items()}}
    return render(ROOT, "rendered", config, secrets=SECRETS & set(config))


@pytest.fixture(scope="session")
def rendering() -> Rendering:
    """With monitoring, as a stack has it by default."""
    return render_stack(
        downloadSettings={"indexUrl": "https://user:word@mirror/simple"}, gatewayAddress="127.0.0.1"
    )


@pytest.fixture(scope="session")
def unwatched() -> Rendering:
    """What serves, alone."""
    return render_unwatched()


def render_unwatched(**changes: Any) -> Rendering:
    """As `render_stack`, without monitoring."""
    settings = {"downloadSettings": {"indexUrl": "https://user:word@mirror/simple"}, **changes}
    return render_stack(monitoring={"enabled": False}, **settings)
