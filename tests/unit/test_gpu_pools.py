"""Which pool of GPU nodes a model runs on, and what no pool can hold."""

from typing import Any

import pytest

from catalog.errors import KitError
from components.autoscaling.types import DemandScaling
from components.platforms.kubernetes_times import IMAGE_SECONDS, NODE_SECONDS
from stacks.kubernetes_placement import check_places, places
from stacks.kubernetes_settings import KubernetesSettings
from stacks.parsing import parse
from stacks.plan import Plan, plan
from stacks.scaling import scaling_of
from stacks.scaling_settings import AutoscalingSettings, ScalingSettings
from stacks.settings import StackSettings

SMOL = "smollm2-135m-instruct"
CHAT: dict[str, Any] = {
    "name": "chat",
    "model": SMOL,
    "engine": "vllm",
    "contextLength": 2048,
    "concurrency": 2,
}
LARGE: dict[str, Any] = {"name": "qwen3-30b-a3b", "engine": "ollama", "contextLength": 2048, "concurrency": 2}
ON_PROCESSORS: dict[str, Any] = {"name": "tiny", "model": SMOL, "engine": "onnx"}
SMALL = {"name": "small", "gpu": "t4"}
L4 = {"name": "gpu", "gpu": "l4"}


def settings_of(models: list[dict[str, Any]], *pools: dict[str, Any], **cluster: Any) -> StackSettings:
    config = {
        "target": "kubernetes",
        "models": models,
        "keys": [{"id": "default"}],
        "kubernetes": {"images": {"tag": "1"}, "gpuPools": list(pools), **cluster},
        "monitoring": {"enabled": False},
    }
    return parse(config, {"default": "x"})


def planned(models: list[dict[str, Any]], *pools: dict[str, Any], **cluster: Any) -> Plan:
    """The plan, with everything looked at that is before the first resource."""
    settings = settings_of(models, *pools, **cluster)
    made = plan(settings)
    scalings = {model.name: model.scaling for model in settings.models}
    assert settings.kubernetes is not None
    check_places(made.hosted, scalings, settings.kubernetes)
    return made


def pools_of(made: Plan) -> dict[str, str | None]:
    return {each.serving.name: each.decision.pool for each in made.hosted}


def test_a_pool_of_an_aks_stack_needs_its_name_and_size() -> None:
    pool = settings_of([CHAT], {"name": "gpu", "sku": "Standard_NC48ads_A100_v4"}).kubernetes
    assert pool is not None
    (found,) = pool.gpu_pools
    assert (found.hardware.name, found.per_node, found.labels) == ("a100-80", 2, {"slm-kit.pool": "gpu"})


def test_an_instance_of_a_cut_gpu_has_its_share_of_the_memory_and_a_model_gets_one() -> None:
    cut = {"name": "gpu", "sku": "Standard_NC24ads_A100_v4", "mig": "MIG3g"}
    (whole,) = planned([CHAT], {**cut, "mig": None}).hosted
    (part,) = planned([CHAT], cut).hosted
    assert part.decision.machine.memory_mib == whole.decision.machine.memory_mib // 2
    with pytest.raises(KitError, match="a model gets one instance"):
        planned([{**CHAT, "gpus": 2}], cut)


def test_a_model_is_put_on_the_first_pool_it_fits_on_or_on_the_one_it_names() -> None:
    a100 = {"name": "large", "gpu": "a100-80"}
    assert pools_of(planned([LARGE], SMALL, a100)) == {"qwen3-30b-a3b": "large"}
    assert pools_of(planned([{**CHAT, "pool": "large"}], L4, a100)) == {"chat": "large"}
    assert pools_of(planned([{**CHAT, "engine": "auto"}], L4)) == {"chat": "gpu"}


def test_what_needs_no_gpu_is_on_no_pool() -> None:
    assert pools_of(planned([{**CHAT, "gpus": 0}], L4)) == {"chat": None}
    assert pools_of(planned([ON_PROCESSORS], L4)) == {"tiny": None}


@pytest.mark.parametrize(
    ("model", "pools", "words"),
    [
        (LARGE, [SMALL], r"NVIDIA T4 16 GB, pool small: .*GiB"),
        ({**CHAT, "gpus": 4}, [{**L4, "gpusPerNode": 2}], "a node has 2.*pool of larger nodes"),
        ({**CHAT, "gpus": 1}, [], "Set slm-kit:kubernetes.gpuPools"),
        ({**CHAT, "pool": "tpu"}, [L4], "gpuPools has gpu.*Name one of these"),
        ({**CHAT, "gpus": 0, "pool": "gpu"}, [L4], "it computes on processors"),
        ({**CHAT, "gpuDevices": [0], "gpus": 1}, [L4], "a cluster gives out GPUs itself"),
        (CHAT, [{"name": "gpu"}], "either `sku` or `gpu`"),
        (CHAT, [{**L4, "mig": "MIG1g"}], "Give the pool's sku"),
        (CHAT, [{"name": "gpu", "gpu": "cpu-8"}], "is no GPU"),
        (CHAT, [{**L4, "taints": ["gpu"]}], "taints"),
    ],
)
def test_a_pool_that_is_too_small_or_is_none_is_refused_with_the_fix(
    model: dict[str, Any], pools: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(KitError, match=words):
        planned([model], *pools)


def test_one_gpu_and_an_update_that_needs_two_is_refused_with_the_fix() -> None:
    surging = {**CHAT, "update": "start-first"}
    with pytest.raises(KitError, match=r"start-first of chat, pool gpu.*stop-first, or add 1"):
        planned([surging], L4)
    planned([surging], {**L4, "gpusPerNode": 2})
    planned([{**surging, "update": "stop-first"}], L4)


def test_more_models_than_gpus_are_refused() -> None:
    other = {**CHAT, "name": "second", "model": SMOL}
    with pytest.raises(KitError, match=r"2 GPUs for chat, second, pool gpu.*the nodes have 1"):
        planned([CHAT, other], L4)
    planned([CHAT, other], {**L4, "gpusPerNode": 2})


def test_models_that_sleep_are_refused_where_they_cannot_all_start_awake() -> None:
    asleep = {"scaling": {"minReplicas": 0}}
    both = [{**CHAT, **asleep}, {**CHAT, **asleep, "name": "second"}]
    with pytest.raises(KitError, match=r"2 GPUs for chat, second, pool gpu.*the nodes have 1"):
        planned(both, L4)
    planned(both, {**L4, "gpusPerNode": 2})


def test_a_model_of_a_pool_is_not_put_away_before_its_node_and_image_are_there() -> None:
    (hosted,) = planned([CHAT], L4).hosted
    assert hosted.workload.readiness is not None
    needed = hosted.workload.readiness.start_seconds + NODE_SECONDS + IMAGE_SECONDS
    (model,) = settings_of([CHAT], L4).hosted
    cluster = AutoscalingSettings()
    scaling = scaling_of(model, ScalingSettings(min_replicas=0), hosted, cluster, watched=True)
    assert isinstance(scaling, DemandScaling)
    assert scaling.idle_seconds == needed
    early = ScalingSettings(min_replicas=0, scale_to_zero_after_seconds=needed - 1)
    with pytest.raises(KitError, match=f"Set it to {needed} or more"):
        scaling_of(model, early, hosted, cluster, watched=True)


def test_a_store_of_one_node_keeps_models_and_their_downloads_on_one_pool() -> None:
    made = planned([CHAT], L4)
    cluster = settings_of([CHAT], L4).kubernetes
    assert isinstance(cluster, KubernetesSettings)
    found = places("models", made.hosted, cluster)
    job = f"models-{SMOL}-{made.hosted[0].decision.variant}"
    assert found.node_selectors == {name: {"slm-kit.pool": "gpu"} for name in ("chat", job)}
    assert {each["key"] for each in found.tolerations[job]} >= {"sku", "nvidia.com/gpu"}
    shared = cluster.model_copy(update={"shared_access": "ReadWriteMany"})
    assert set(places("models", made.hosted, shared).node_selectors) == {"chat"}


def test_models_that_a_store_of_one_node_would_keep_apart_are_refused() -> None:
    other = {**CHAT, "name": "second", "model": SMOL}
    two = {**L4, "maxNodes": 2}
    for models in ([CHAT, ON_PROCESSORS], [CHAT, other]):
        with pytest.raises(KitError, match=r"ReadWriteOnce.*Set .*sharedAccess to ReadWriteMany"):
            planned(models, two)
        planned(models, two, sharedAccess="ReadWriteMany")


def test_on_one_machine_there_is_no_pool_and_no_gpu_for_a_second_replica() -> None:
    config: dict[str, Any] = {
        "target": "local-docker",
        "models": [{**CHAT, "update": "start-first"}],
        "keys": [{"id": "default"}],
        "hardware": "l4",
    }
    with pytest.raises(KitError, match="those of the replica that it replaces"):
        plan(parse(config, {"default": "x"}))
    with pytest.raises(KitError, match="gpuPools has none"):
        plan(parse({**config, "models": [{**CHAT, "pool": "gpu"}]}, {"default": "x"}))
