"""Where engines find their models: what a store and images of models have in common."""

from dataclasses import dataclass
from typing import Protocol

import pulumi

from catalog.models import Model
from components.workload import Mount

STORE_PATH = "/models"
"""Where an engine sees the variants, each in its folder (catalog.sources.store_path)."""


@dataclass(frozen=True)
class Provided:
    """One variant as an engine finds it."""

    mount: Mount
    made_by: tuple[pulumi.Resource, ...] = ()
    """What brings it there; an engine starts after it."""


class Models(Protocol):
    """Gives engines their models."""

    def provide(self, model: Model, variant_name: str) -> Provided:
        """The variant, read-only at its place below STORE_PATH."""
        ...
