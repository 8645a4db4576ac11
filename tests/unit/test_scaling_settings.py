"""What config says about replicas: defaults, limits, refusals, and what a scaler is told."""

from dataclasses import replace
from typing import Any

import promql_parser
import pytest
from pydantic import ValidationError

from catalog.errors import KitError
from components.autoscaling import queries
from components.autoscaling.types import CpuScaling, DemandScaling, check_recommended
from components.workload import Update
from stacks.model_settings import ModelSettings
from stacks.parsing import parse
from stacks.plan import Hosted, plan
from stacks.scaling import check_gpus, recommended_of, scaling_of
from stacks.scaling_settings import AutoscalingSettings, ScalingSettings
from stacks.settings import StackSettings
from tests.unit.vllm_parts import rendered, serving

OFFICE = {"start": "07:30", "end": "18:00", "timezone": "Europe/Amsterdam", "replicas": 2}
SMALL: dict[str, Any] = {"name": "smollm2-135m-instruct", "engine": "onnx", "contextLength": 1024}


def stack(**changes: Any) -> StackSettings:
    config = {"target": "local-docker", "models": [SMALL], "keys": [{"id": "a"}]}
    return parse({**config, "modelSource": "pypi", **changes}, {"a": "k"})


def small(**changes: Any) -> tuple[StackSettings, Hosted]:
    settings = stack(models=[{**SMALL, **changes}])
    return settings, plan(settings).hosted[0]


def big() -> tuple[ModelSettings, Hosted]:
    """A model that vLLM serves, as its recipe runs it on one GPU."""
    model = ModelSettings.model_validate({"name": "qwen3-8b", "engine": "vllm"})
    on_gpu = serving(name=model.name)
    return model, replace(small()[1], serving=on_gpu, workload=rendered(on_gpu))


def wanted(**config: Any) -> ScalingSettings:
    return ScalingSettings.model_validate(config, by_name=False, by_alias=True)


def scaled(config: dict[str, Any], *, keda: bool = True, watched: bool = True, **model: Any) -> Any:
    settings, hosted = small(**model)
    cluster = AutoscalingSettings(keda=keda)
    return scaling_of(settings.models[0], wanted(**config), hosted, cluster, watched=watched)


def test_by_default_there_is_one_replica_and_no_scaler() -> None:
    assert scaled({}) is None
    assert scaled({"minReplicas": 3, "maxReplicas": 3}) is None


def test_a_model_is_scaled_by_its_demand_and_the_threshold_follows_the_engines_concurrency() -> None:
    found = scaled({"maxReplicas": 4}, concurrency=8)
    assert isinstance(found, DemandScaling)
    assert (found.models, found.threshold) == (("smollm2-135m-instruct",), 6)
    assert (found.min_replicas, found.max_replicas, found.fallback_replicas) == (1, 4, 1)
    assert scaled({"maxReplicas": 4, "targetUtilization": 1}, concurrency=8).threshold == 8
    assert scaled({"maxReplicas": 4}, concurrency=1).threshold == 1


def test_a_model_goes_to_zero_no_sooner_than_its_engine_may_take_to_start() -> None:
    model, hosted = big()
    assert hosted.workload.readiness is not None
    budget = hosted.workload.readiness.start_seconds
    assert budget > 600
    scaling = scaling_of(model, wanted(minReplicas=0), hosted, AutoscalingSettings(), watched=True)
    assert isinstance(scaling, DemandScaling)
    assert (scaling.idle_seconds, scaling.settle_seconds) == (budget, budget)
    assert scaled({"minReplicas": 0}).idle_seconds == 600
    early = wanted(minReplicas=0, scaleToZeroAfterSeconds=budget - 1)
    with pytest.raises(KitError, match=f"Set it to {budget} or more"):
        scaling_of(model, early, hosted, AutoscalingSettings(), watched=True)


def test_scaling_without_the_gateways_metric_is_refused() -> None:
    with pytest.raises(KitError, match=r"slm-kit:monitoring.*is off"):
        scaled({"minReplicas": 0}, watched=False)


def test_a_model_with_a_fallback_does_not_go_to_zero_since_nothing_would_wake_it() -> None:
    endpoint = {"url": "https://example.org/v1", "credential": "none"}
    outside = {"name": "gpt", "engine": "external", "external": endpoint}
    settings = stack(models=[{**SMALL, "fallback": "gpt"}, outside])
    hosted = plan(settings).hosted[0]
    with pytest.raises(KitError, match="none wakes it"):
        scaling_of(settings.models[0], wanted(minReplicas=0), hosted, AutoscalingSettings(), watched=True)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"minReplicas": 3, "maxReplicas": 2}, "minReplicas 3.*more than maxReplicas 2"),
        ({"scaleToZeroAfterSeconds": 600}, "never lets it go to zero"),
        ({"minReplicas": 2, "maxReplicas": 2, "fallbackReplicas": 2}, "fallbackReplicas 2.*never changes"),
        ({"targetUtilization": 0.5}, "targetUtilization 0.5.*never changes"),
        ({"maxReplicas": 2, "schedule": [{**OFFICE, "timezone": "Europe/Amsterdm"}]}, "no IANA name"),
        ({"maxReplicas": 2, "schedule": [{**OFFICE, "timezone": ""}]}, "no IANA name"),
        ({"maxReplicas": 2, "schedule": [{**OFFICE, "replicas": 3}]}, "at most maxReplicas 2"),
        ({"maxReplicas": 2, "schedule": [{**OFFICE, "replicas": 1}]}, "above minReplicas 1"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(KitError, match=words):
        wanted(**config)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"minReplicas": 3}, "^minReplicas 3 of model smollm2.*more than maxReplicas 1"),
        ({"maxReplicas": 2, "schedule": [{**OFFICE, "start": 600}]}, "start 600: .*in quotes"),
    ],
)
def test_a_refusal_of_scaling_names_the_setting_as_it_is_written_and_its_model(
    config: dict[str, Any], words: str
) -> None:
    """600 is what YAML makes of 10:00 without quotes."""
    with pytest.raises(KitError, match=words):
        stack(models=[{**SMALL, "scaling": config}])


@pytest.mark.parametrize(
    "config",
    [
        {"maxReplicas": 65},
        {"minReplicas": -1},
        {"targetUtilization": 1.1},
        {"schedule": [{**OFFICE, "start": "7:30"}]},
        {"schedule": [{**OFFICE, "start": 730}]},
        {"schedule": [{**OFFICE, "days": ["monday"]}]},
    ],
)
def test_values_out_of_bounds_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        wanted(**{"maxReplicas": 2, **config})


def test_without_keda_a_model_follows_its_processors() -> None:
    found = scaled({"minReplicas": 2, "maxReplicas": 5}, keda=False, watched=False)
    assert found == CpuScaling(max_replicas=5, min_replicas=2, settle_seconds=300)


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({"minReplicas": 0}, "minReplicas 0"),
        ({"maxReplicas": 2, "schedule": [OFFICE]}, "the schedule"),
        ({"maxReplicas": 2, "fallbackReplicas": 2}, "fallbackReplicas"),
        ({"maxReplicas": 2, "targetUtilization": 0.5}, "targetUtilization"),
    ],
)
def test_what_only_keda_can_do_is_refused_without_it(config: dict[str, Any], what: str) -> None:
    with pytest.raises(KitError, match=f"{what}.*needs KEDA"):
        scaled(config, keda=False)


def test_processors_say_nothing_about_a_model_on_a_gpu() -> None:
    model, hosted = big()
    with pytest.raises(KitError, match="needs KEDA"):
        scaling_of(model, wanted(maxReplicas=2), hosted, AutoscalingSettings(keda=False), watched=True)


def test_more_replicas_than_gpus_are_refused() -> None:
    _, hosted = big()
    gpus = hosted.serving.gpus
    surge = gpus if hosted.workload.update is Update.START_FIRST else 0
    check_gpus([(hosted, wanted(maxReplicas=4))], 4 * gpus + surge)
    with pytest.raises(KitError, match=f"there are {4 * gpus + surge - 1}"):
        check_gpus([(hosted, wanted(maxReplicas=4))], 4 * gpus + surge - 1)


def test_models_may_take_turns_above_their_minimums_but_each_starts_awake() -> None:
    _, hosted = big()
    room = 2 * hosted.serving.gpus
    check_gpus([(hosted, wanted(maxReplicas=2)), (hosted, wanted(minReplicas=0, maxReplicas=2))], room)
    with pytest.raises(KitError, match="GPUs, as each model starts awake"):
        check_gpus([(hosted, wanted(minReplicas=0)) for _ in range(3)], room)
    with pytest.raises(KitError, match="together they need"):
        check_gpus([(hosted, wanted()) for _ in range(3)], room)


def test_what_is_recommended_is_never_what_the_hpa_follows() -> None:
    with_vpa = AutoscalingSettings(recommendations=True)
    for scaling in (None, CpuScaling(max_replicas=2), DemandScaling(("tiny",), 1, 2)):
        assert recommended_of(scaling, AutoscalingSettings()) == ()
        assert "memory" in recommended_of(scaling, with_vpa)
        check_recommended(scaling, recommended_of(scaling, with_vpa))


def test_an_hpa_and_a_vpa_never_act_on_one_resource() -> None:
    check_recommended(CpuScaling(max_replicas=2), ("memory",))
    check_recommended(DemandScaling(("tiny",), 1, 2), ("cpu", "memory"))
    with pytest.raises(KitError, match="follows the cpu"):
        check_recommended(CpuScaling(max_replicas=2), ("cpu", "memory"))
    with pytest.raises(KitError, match="they are cpu and memory"):
        check_recommended(None, ("gpu",))


@pytest.mark.parametrize("names", [("tiny",), ("big", "big-sql", "qwen3-1.7b")])
def test_a_query_names_every_model_of_the_workload_once(names: tuple[str, ...]) -> None:
    for query in (queries.demand(names), queries.asked(names)):
        promql_parser.parse(query)
        assert [query.count(f'model="{name}"') for name in names] == [1] * len(names)
