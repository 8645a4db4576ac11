"""`make advise`: what a model needs and where it fits, answered without a stack."""

from collections.abc import Sequence

from catalog.azure_skus import cut
from catalog.azure_skus import find as find_sku
from catalog.choosing import Choice, choose_engine
from catalog.engines import engines
from catalog.errors import KitError
from catalog.hardware import Hardware, hardware
from catalog.hardware import find as find_hardware
from catalog.models import EngineName, Model
from catalog.models import find as find_model
from catalog.sizing.candidates import Scope, candidates
from catalog.sizing.cost import offer_of, usd_a_month
from catalog.sizing.fit import Fit, Load
from catalog.sizing.table import machine_table, number, size_row

LEAST_CONTEXT = 128
MOST_CONCURRENCY = 64
"""Those of `contextLength` and `concurrency` in stacks/model_settings.py."""


def advise(
    model: str,
    context: int = 2048,
    concurrency: int = 4,
    hardware_name: str | None = None,
    engine: str | None = None,
) -> None:
    """Print the table, the advice and what to paste into the stack's config, by target.

    `hardware_name` is of catalog/hardware.yaml, or an Azure size with GPUs, Standard_….
    KitError (exit code 2) where it fits nowhere, or not on the hardware that was named.
    """
    wanted, load = find_model(model), _load(find_model(model), context, concurrency)
    only = _engine(engine)
    given = hardware_name or ""
    sku = find_sku(given) if given.lower().startswith("standard_") else None
    named = cut(sku, None)[0] if sku else find_hardware(given) if given else None
    machines = [named] if named else list(hardware().values())
    choices = {each.name: _choice(wanted, load, each, only) for each in machines}
    rows = [_best(wanted, load, each, choices[each.name], only) for each in machines]
    shown = [size_row(row) for row in rows if row is not None]
    if shown:
        print(f"{wanted.title}, {concurrency} x {context} tokens; memory in GiB")
        print(machine_table(shown))
        print()
    fitting = [choice for choice in choices.values() if choice is not None]
    if not fitting:
        largest = max(machines, key=lambda each: each.usable * max(each.gpu_counts))
        choose_engine(wanted, largest, context, concurrency, engine=only)
    print(_advice(wanted, fitting))
    print()
    print(snippet(_preferred(fitting), None if sku is None else sku.name))


def snippet(choice: Choice, sku: str | None = None) -> str:
    """What to paste into a stack's config for this choice: its machine or pool, and the model's entry.

    `sku` is the Azure size that was named, if any.
    """
    fit, models = choice.fit, _entry(choice)
    if not fit.gpus:
        return f"# targets local-docker and kubernetes\n{models}"
    machine = [f"slm-kit:hardware: {fit.hardware.name}"]
    if fit.gpus > 1:
        machine.append(f"slm-kit:hardwareGpus: {fit.gpus}")
    nodes = f"gpu: {fit.hardware.name}, gpusPerNode: {fit.gpus}" if sku is None else f"sku: {sku}"
    pool = ["slm-kit:kubernetes:  # beside images", "  gpuPools:", f"    - {{name: gpu, {nodes}}}"]
    return "\n".join(["# target local-docker", *machine, models, "", "# target kubernetes", *pool, models])


def _entry(choice: Choice) -> str:
    fit = choice.fit
    lines = [
        "slm-kit:models:",
        f"  - name: {fit.model.name}",
        f"    engine: {choice.engine}",
        f"    variant: {choice.variant}",
        f"    contextLength: {fit.load.context}",
        f"    concurrency: {fit.load.concurrency}",
    ]
    if fit.gpus:
        lines.append(f"    gpus: {fit.gpus}")
    return "\n".join(lines)


def _load(model: Model, context: int, concurrency: int) -> Load:
    """Within the bounds of a stack's config, so that what is advised can be had."""
    if not LEAST_CONTEXT <= context <= model.context_length:
        raise KitError(
            f"CONTEXT {context} for {model.name}",
            f"a stack takes {LEAST_CONTEXT} to {model.context_length} tokens, what the model was trained for",
            f"Set CONTEXT to {LEAST_CONTEXT} or more and {model.context_length} or less.",
        )
    if not 1 <= concurrency <= MOST_CONCURRENCY:
        raise KitError(
            f"CONCURRENCY {concurrency}",
            f"a stack takes 1 to {MOST_CONCURRENCY} for a model",
            "Name how many requests come at once.",
        )
    return Load(context, concurrency)


def _engine(name: str | None) -> EngineName | None:
    for known, facts in engines().items():
        if known == name and facts.memory:
            return known
    if name in (None, "", "auto"):
        return None
    sized = [known for known, facts in engines().items() if facts.memory]
    raise KitError(
        f"ENGINE {name!r}", f"sizes are known for {', '.join(sized)}", "Name one, or leave it out."
    )


def _choice(model: Model, load: Load, machine: Hardware, engine: EngineName | None) -> Choice | None:
    try:
        return choose_engine(model, machine, load.context, load.concurrency, engine=engine)
    except KitError:
        return None


def _best(
    model: Model, load: Load, machine: Hardware, choice: Choice | None, engine: EngineName | None
) -> Fit | None:
    """What to show: the choice, else what comes nearest; None where nothing could run there at all."""
    if choice is not None:
        return choice.fit
    tried = list(candidates(model, load, machine, Scope(engine)))
    return min(tried, key=lambda each: (bool(each.problem), each.missing), default=None)


def _advice(model: Model, choices: Sequence[Choice]) -> str:
    best = _preferred(choices)
    offer, month = offer_of(best.fit), usd_a_month(best.fit)
    text = best.reason
    if offer is not None and month is not None:
        what = "Cheapest of these to rent, by the prices known: " if len(choices) > 1 else "To rent as "
        text = f"{what}{offer.sku} ({offer.region}, {number(month)} $/month, price of {offer.as_of}). {text}"
    if model.licence_must_be_accepted:
        text += f" Its licence ({model.licence}) must be accepted at the hub first."
    return text


def _preferred(choices: Sequence[Choice]) -> Choice:
    """The cheapest to rent; where no price is known, the first of the catalog, which is the smallest."""
    priced = [(cost, at) for at, each in enumerate(choices) if (cost := usd_a_month(each.fit)) is not None]
    return choices[min(priced)[1]] if priced else choices[0]
