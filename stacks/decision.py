"""Which engine and variant serve a model, and on what: as config says, or chosen."""

from dataclasses import dataclass, replace

from catalog import models as catalog
from catalog.choosing import choose_engine
from catalog.errors import KitError
from catalog.hardware import MIB, Hardware, this_machine
from catalog.hardware import find as find_hardware
from catalog.models import EngineName, Model, Variant
from catalog.sizing import Demand
from catalog.sizing.fit import Fit, Load
from catalog.sizing.refusal import fit_or_refuse
from components.engines.vllm.demand import demand as vllm_demand
from components.gateway.types import GatewayLimits
from components.open_webui import MEMORY_MIB as OPEN_WEBUI_MIB
from stacks.model_settings import ModelSettings
from stacks.settings import StackSettings


@dataclass(frozen=True)
class Decision:
    """What a model is served with."""

    engine: EngineName
    variant: str
    gpus: int
    machine: Hardware
    reason: str = ""
    """Why, where the kit chose; empty where config did."""
    pool: str | None = None
    """The GPU nodes that it runs on; None on processors, and where there is one machine."""

    def on_pool(self, name: str) -> "Decision":
        """The same on that pool, where it uses GPUs at all."""
        return replace(self, pool=name) if self.gpus else self


def decide(model: ModelSettings, settings: StackSettings, gpu: Hardware | None = None) -> Decision:
    """Engine, variant and GPUs of a hosted model. Raises KitError for what cannot be.

    `gpu` is what a node has, and how many of it. Default: the machine's, where config names one.
    """
    if gpu is None and settings.hardware is not None:
        gpu = gpu_of(settings)
    known = catalog.find(model.catalog_name)
    engine = _engine_asked_for(model, known)
    if engine is None:
        return _chosen(model, known, settings, gpu)
    variant = known.variant_for(engine, settings.model_source, model.variant)
    gpus = _gpus(model, engine, variant, known, settings, gpu)
    if gpus and settings.images != "upstream":
        raise KitError(
            f"gpus {gpus} of model {model.name}",
            f"images that compute on GPUs must be pulled, and images is {settings.images!r}",
            "Set slm-kit:images upstream where an image registry answers, or gpus: 0.",
        )
    if engine == "vllm" and settings.images != "upstream":
        raise KitError(
            f"engine 'vllm' of model {model.name}",
            f"its image must be pulled, and images is {settings.images!r}",
            "Choose another engine, or set slm-kit:images upstream where an image registry answers.",
        )
    return Decision(
        engine, variant, gpus, (gpu or gpu_of(settings)) if gpus else processors(settings, engine)
    )


def processors(settings: StackSettings, engine: EngineName | None = None) -> Hardware:
    """The Docker engine's processors and memory. vLLM runs there where it is asked for, never chosen."""
    page = 0 if settings.open_webui is None else OPEN_WEBUI_MIB
    memory = settings.engine_memory_mib
    found = this_machine(
        None if memory is None else memory * MIB,
        settings.engine_cpus,
        min(GatewayLimits().memory_mib + page, (memory or MIB) - 1),
    )
    return found if engine != "vllm" else found.model_copy(update={"engines": (*found.runs, "vllm")})


def gpu_of(settings: StackSettings) -> Hardware:
    """The machine's GPU. Raises KitError where config does not name it."""
    if settings.hardware is None:
        setting = "hardware to a name of catalog/hardware.yaml"
        where = "the machine has" if settings.kubernetes is None else "nodes have"
        raise KitError(
            "a model on a GPU",
            f"which GPU {where} is not said",
            f"Set slm-kit:{setting if settings.kubernetes is None else 'kubernetes.gpuPools'}.",
        )
    return find_hardware(settings.hardware).with_gpus(settings.hardware_gpus)


def fit_on(
    model: ModelSettings,
    known: Model,
    engine: EngineName,
    variant: str,
    machine: Hardware,
    settings: StackSettings,
    gpus: int | None = None,
) -> Fit:
    """The model on that machine, as its engine is set. Raises KitError where it does not fit."""
    return fit_or_refuse(
        known,
        variant,
        Load(model.context_length, model.concurrency),
        machine,
        gpus=gpus,
        demand=_demand(model, engine, known.variants[variant]),
        source_kind=settings.model_source,
        engines=_to_be_had(settings),
    )


def _demand(model: ModelSettings, engine: EngineName, variant: Variant) -> Demand:
    """What the engine's own settings ask of memory."""
    if engine == "ollama":
        return Demand(kv_type=model.ollama.kv_cache_type)
    return vllm_demand(model.vllm, variant) if engine == "vllm" else Demand()


def _to_be_had(settings: StackSettings) -> tuple[EngineName, ...]:
    """Engines whose image can be built or pulled."""
    return ("onnx", "ollama", "vllm") if settings.images == "upstream" else ("onnx", "ollama")


def _engine_asked_for(model: ModelSettings, known: Model) -> EngineName | None:
    if model.engine != "auto":
        return model.engine
    if model.variant is None:
        return None
    if model.variant not in known.variants:
        raise KitError(
            f"variant {model.variant!r} of model {known.name}",
            f"the catalog has {', '.join(known.variants)}",
            "Name one of these, or leave `variant` out.",
        )
    return known.variants[model.variant].engine


def _gpus(
    model: ModelSettings,
    engine: EngineName,
    variant: str,
    known: Model,
    settings: StackSettings,
    gpu: Hardware | None,
) -> int:
    """As config says; where it says nothing and there is a GPU that the engine uses, as few as do."""
    if engine == "onnx":
        if model.gpus:
            raise KitError(
                f"gpus {model.gpus} of model {model.name}", "ONNX Runtime computes on processors here",
                "Remove gpus, or choose another engine.",
            )  # fmt: skip
        return 0
    if model.gpus is not None:
        return model.gpus
    if gpu is None or settings.images != "upstream":
        return 0
    return fit_on(model, known, engine, variant, gpu, settings).gpus


def _chosen(model: ModelSettings, known: Model, settings: StackSettings, gpu: Hardware | None) -> Decision:
    if model.gpus:
        raise KitError(
            f"gpus {model.gpus} of model {model.name}", "its engine is chosen, and the GPUs with it",
            "Name the engine, or leave gpus out.",
        )  # fmt: skip
    if not any(each.source.kind == settings.model_source for each in known.variants.values()):
        has = ", ".join(f"{name} ({each.source.kind})" for name, each in known.variants.items())
        raise KitError(
            f"modelSource {settings.model_source!r} for model {known.name}",
            f"the catalog has {has}",
            "Set slm-kit:modelSource to one of these kinds, or name the model's `variant`.",
        )
    # Images that compute on GPUs are pulled, or not had.
    on_gpu = settings.images == "upstream" and model.gpus is None
    machine = gpu if gpu is not None and on_gpu else processors(settings)
    choice = choose_engine(
        known,
        machine,
        model.context_length,
        model.concurrency,
        source_kind=settings.model_source,
        engines=_to_be_had(settings),
    )
    return Decision(choice.engine, choice.variant, choice.fit.gpus, machine, choice.reason)
