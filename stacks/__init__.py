"""Where models are served: each composition reads its settings and connects components."""

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

import pulumi

from catalog.errors import KitError

# By name, not by import: a machine that runs one target need not have the packages of another.
COMPOSITIONS: Mapping[str, str] = MappingProxyType(
    {
        "local-docker": "stacks.local_docker",
        "kubernetes": "stacks.kubernetes",
        "aks": "stacks.aks",
        "edge": "stacks.edge",
    }
)

EXTRAS: Mapping[str, str] = MappingProxyType(
    {"kubernetes": "kubernetes", "aks": "azure", "edge": "kubernetes"}
)
"""Optional dependencies (pyproject.toml) by the target that needs them."""


def compose() -> None:
    """Run the composition named by `slm-kit:target`. Raises KitError for one that is not there."""
    target = pulumi.Config("slm-kit").require("target")
    if target not in COMPOSITIONS:
        raise KitError(
            f"slm-kit:target {target!r}",
            f"compositions are {', '.join(COMPOSITIONS)}",
            "Set one of these with `pulumi config set slm-kit:target`.",
        )
    try:
        program: Callable[[], None] = importlib.import_module(COMPOSITIONS[target]).program
    except ModuleNotFoundError as error:
        needs = EXTRAS.get(target)
        if needs is None:
            raise
        missing = f"Python package {error.name} is not installed"
        raise pulumi.RunError(
            f"slm-kit:target {target!r}: {missing}. `make .venv/.{needs}` installs it."
        ) from error
    try:
        program()
    except KitError as error:
        # A refusal is the user's to mend: one line, no traceback.
        raise pulumi.RunError(str(error)) from error
