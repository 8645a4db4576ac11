"""Where a stack's models fit, said and refused before anything is created."""

from collections.abc import Sequence

from catalog import models as catalog
from catalog.errors import KitError
from catalog.models import EngineName, Model
from catalog.sizing.conversion import job_mib
from catalog.sizing.fit import Fit, Load
from catalog.sizing.memory import MIB
from catalog.sizing.refusal import fit_or_refuse
from catalog.sizing.table import SizeRow, size_row, stack_table
from stacks.model_settings import ModelSettings
from stacks.settings import StackSettings


def sizes(settings: StackSettings) -> list[SizeRow]:
    """A row a model. Raises KitError for a model that does not fit, or for all of them together."""
    fits = {model.name: fit_of(model, settings) for model in settings.hosted}
    _together(list(fits.values()), settings)
    return [size_row(found, name) for name, found in fits.items()]


def fit_of(model: ModelSettings, settings: StackSettings) -> Fit:
    """The model on the stack's machine. Raises KitError where it does not fit."""
    decision, known = settings.decision_of(model), catalog.find(model.catalog_name)
    found = fit_or_refuse(
        known,
        decision.variant,
        Load(model.context_length, model.concurrency),
        settings.machine_for(decision.gpus),
        gpus=decision.gpus,
        kv_type=_kv_type(model, decision.engine),
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
    needs, machine = job_mib(model, model.variants[variant]), settings.machine_for(0)
    if needs > machine.memory_mib:
        raise KitError(
            f"{variant} of model {model.name}",
            f"the kit makes it itself, for which it needs {needs} MiB; {machine.memory_mib} are there",
            "Choose a variant that needs no conversion (`make models MODEL=…`), or a larger machine.",
        )


def _kv_type(model: ModelSettings, engine: EngineName) -> str | None:
    """Type of the KV cache where config can say it; None is the engine's own."""
    if engine == "ollama":
        return model.ollama.kv_cache_type
    return model.vllm.kv_cache_dtype if engine == "vllm" else None


def table(settings: StackSettings) -> str:
    """The sizes of the stack's models, and why an engine was chosen where the kit chose."""
    reasons = [
        f"{model.name}: {decision.reason}"
        for model in settings.hosted
        if (decision := settings.decision_of(model)).reason
    ]
    if not settings.hosted:
        return "no model of this stack needs memory here"
    return "\n".join(["memory in GiB, speeds as upper bounds", stack_table(sizes(settings)), *reasons])


def _together(fits: Sequence[Fit], settings: StackSettings) -> None:
    """Models share main memory, of which those on GPUs take some too; GPUs are each one's own."""
    machine = settings.machine_for(0)
    wanted = sum(found.estimate.limit for found in fits)
    if wanted > machine.usable:
        raise KitError(
            f"{wanted // MIB} MiB of memory for {len(fits)} models",
            f"{machine.title} has {machine.usable // MIB} MiB for them",
            "Lower contextLength or concurrency, serve fewer models, or give the engine more memory.",
        )
