"""Which pool of GPU nodes a model runs on."""

from collections.abc import Sequence

from catalog.errors import KitError
from stacks.decision import Decision, decide
from stacks.kubernetes_settings import GpuPool
from stacks.model_settings import ModelSettings
from stacks.settings import StackSettings


def decide_where(model: ModelSettings, settings: StackSettings) -> Decision:
    """Engine, variant, GPUs and pool of a hosted model. Raises KitError for what cannot be.

    The pool is the one that the model names, else the first of the list that it fits on.
    """
    pools = _asked_for(model, settings)
    if settings.kubernetes is not None and model.gpu_devices:
        raise KitError(
            f"gpuDevices of model {model.name}",
            "a cluster gives out GPUs itself",
            "Remove it; `pool` names the nodes.",
        )
    if not pools or model.gpus == 0 or model.engine == "onnx":
        return _without_pool(model, settings)
    refused: list[KitError] = []
    for pool in pools:
        try:
            return _on(model, pool, settings)
        except KitError as error:
            refused.append(error)
    last = refused[-1]
    names = ", ".join(pool.name for pool in pools)
    raise KitError(f"{last.value}, pool {names}", last.limit, last.next_step) from last


def _asked_for(model: ModelSettings, settings: StackSettings) -> Sequence[GpuPool]:
    pools = () if settings.kubernetes is None else settings.kubernetes.gpu_pools
    if model.pool is None:
        return pools
    named = [pool for pool in pools if pool.name == model.pool]
    if not named:
        known = ", ".join(pool.name for pool in pools) or "none"
        raise KitError(
            f"pool {model.pool!r} of model {model.name}",
            f"slm-kit:kubernetes.gpuPools has {known}",
            "Name one of these, or add it there.",
        )
    return named


def _without_pool(model: ModelSettings, settings: StackSettings) -> Decision:
    if model.pool is not None:
        raise KitError(
            f"pool {model.pool!r} of model {model.name}",
            "it computes on processors",
            "Remove `pool`, or choose another engine or number of gpus.",
        )
    decision = decide(model, settings)
    if settings.kubernetes is None and decision.gpus and model.update == "start-first":
        raise KitError(
            f"update {model.update} of model {model.name}",
            "the GPUs that it is given are those of the replica that it replaces",
            "Set it to stop-first, or leave it out.",
        )
    return decision


def _on(model: ModelSettings, pool: GpuPool, settings: StackSettings) -> Decision:
    hardware = pool.hardware
    most = hardware.most_gpus or 1
    if model.gpus is not None and model.gpus > most:
        one = "a model gets one instance" if pool.mig else f"a node has {most}"
        raise KitError(
            f"gpus {model.gpus} of model {model.name}",
            f"{one}, and all GPUs of a model are in one",
            f"Set it to {most} or less, or name a pool of larger nodes.",
        )
    return decide(model, settings, hardware).on_pool(pool.name)
