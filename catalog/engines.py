"""What the kit knows about its engines: engines.yaml, typed."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field

from catalog.models import EngineName, Format, Row

Capability = Literal[
    "chat", "completions", "streaming", "stop", "seed", "maxTokens", "usage", "contextOverflow",
    "cancellation", "tools", "jsonSchema", "embeddings",
]  # fmt: skip


class EngineFacts(Row):
    """One engine of engines.yaml."""

    title: str
    formats: tuple[Format, ...]
    runs_on: Annotated[tuple[Literal["cpu", "gpu", "elsewhere"], ...], Field(min_length=1)]
    capabilities: Mapping[Capability, Literal[True] | str]
    """True where the engine can do it; else what a user is told."""


@cache
def engines() -> Mapping[EngineName, EngineFacts]:
    """Every engine by name."""
    rows = yaml.safe_load(Path(__file__).with_name("engines.yaml").read_text())
    return {name: EngineFacts.model_validate(row) for name, row in rows.items()}
