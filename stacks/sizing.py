"""Whether one model fits on what it is to run on."""

from catalog import models as catalog
from catalog.errors import KitError
from catalog.models import Model
from catalog.sizing.conversion import job_mib
from catalog.sizing.fit import Fit
from catalog.sizing.memory import MIB
from stacks.decision import Decision, fit_on
from stacks.model_settings import ModelSettings
from stacks.settings import StackSettings


def fit_of(model: ModelSettings, decision: Decision, settings: StackSettings) -> Fit:
    """The model on its machine. Raises KitError where it does not fit."""
    known = catalog.find(model.catalog_name)
    found = fit_on(
        model, known, decision.engine, decision.variant, decision.machine, settings, gpus=decision.gpus
    )
    _can_be_made(known, decision.variant, settings)
    needs = found.estimate.limit // MIB
    if model.memory_mib is not None and model.memory_mib < needs:
        raise KitError(
            f"memoryMib {model.memory_mib} of model {model.name}",
            f"{model.concurrency} x {model.context_length} tokens need {needs} MiB",
            "Raise it, leave it out, or lower contextLength or concurrency.",
        )
    return found


def _can_be_made(model: Model, variant: str, settings: StackSettings) -> None:
    """A conversion may need more memory than serving what it makes."""
    needs, has = job_mib(model, model.variants[variant]), settings.engine_memory_mib
    if has is not None and needs > has:
        raise KitError(
            f"{variant} of model {model.name}",
            f"the kit makes it itself, for which it needs {needs} MiB; {has} are there",
            "Choose a variant that needs no conversion (`make models MODEL=…`), or a larger machine.",
        )
