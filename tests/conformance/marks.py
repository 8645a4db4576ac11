"""Ties each test to a capability of catalog/engines.yaml.

`@can("seed")`: what a user sees of an engine that has the capability. `@cannot("tools")`: how a request for
it is refused by an engine that has not. Each test runs on the engines of its kind, and only there.
"""

from typing import get_args

import pytest

from catalog.engines import Capability, engines
from catalog.models import EngineName
from tests.conformance.served import SERVED

CAPABILITIES: tuple[Capability, ...] = get_args(Capability)


def can(capability: Capability) -> pytest.MarkDecorator:
    """For engines whose capability is `true`."""
    return pytest.mark.capability(_known(capability), "shown")


def cannot(capability: Capability) -> pytest.MarkDecorator:
    """For engines whose capability is a text."""
    return pytest.mark.capability(_known(capability), "refused")


def kind_of(engine: EngineName, capability: Capability) -> str:
    """What the tests of a capability do on an engine: it is `shown`, or `refused`."""
    return "shown" if engines()[engine].capabilities[capability] is True else "refused"


def engines_for(capability: Capability, kind: str) -> list[EngineName]:
    """The engines of this suite on which a test of that kind runs."""
    return [engine for engine in SERVED if kind_of(engine, capability) == kind]


def _known(capability: Capability) -> Capability:
    if capability not in CAPABILITIES:
        raise ValueError(f"{capability!r} is no capability of catalog/engines.py")
    return capability
