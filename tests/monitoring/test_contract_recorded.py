"""The metric contract for what needs a GPU: vLLM from a recorded scrape, GPUs from names of their fields."""

from collections.abc import Callable, Iterator

import docker
import pytest

from monitoring import prometheus
from monitoring.gpu import counters
from monitoring.recording import rules_of
from monitoring.rules import Group
from monitoring.vocabulary import For, series_of
from monitoring.watched import ADDRESSES, Slo, Watched, WatchedEngine, WatchedKey, WatchedModel
from tests.monitoring import data_gpu, data_vllm
from tests.monitoring.contract import empty, evaluate, looked_at, rule_queries
from tests.monitoring.data_served import Served

pytestmark = pytest.mark.docker

MODEL = "qwen3-8b"
ENGINE = WatchedEngine("vllm", 1800, 16 * 2**30, 64, gpus=1)
WATCHED = Watched(
    stack="recorded",
    models=(WatchedModel(MODEL, Slo(), 32, ENGINE, MODEL),),
    keys=(WatchedKey("alice", (MODEL,)),),
    gpus=1,
)
CHECKED = ("vllm", "gpu")
ONE_LEFT_OUT = (
    ("vllm:num_requests_waiting", "slm:engine_waiting"),
    ("vllm:inter_token_latency_seconds_bucket", "slm:inter_token_seconds_bucket:rate5m"),
    ("process_start_time_seconds", "slm:cold_starts:changes1h"),
    ("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "slm:gpu_throttle_reasons"),
)
Start = Callable[[str, str], Served]


def groups() -> list[Group]:
    return [group for group in rules_of(WATCHED) if group.name in CHECKED]


@pytest.fixture(scope="module")
def start(
    docker_client: docker.DockerClient,
    gateway_images: tuple[str, str],
    prometheus_image: str,
    test_label: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Start]:
    """``start(vllm, gpu)``: a Prometheus that has read vLLM twice, the second time with risen counters."""
    running: list[Served] = []

    def begin(vllm: str, gpu: str) -> Served:
        folder = tmp_path_factory.mktemp("served")
        folder.chmod(0o755)
        served = Served(docker_client, gateway_images[1], test_label, folder)
        running.append(served)
        engine = f"{MODEL}:{ENGINE.port}"
        served.source(engine, vllm)
        served.source(ADDRESSES.gpu, gpu)
        served.prometheus(prometheus_image, prometheus.render(WATCHED), groups())
        served.wait('up{job=~"engine|gpu"}', lambda value: value == 1)
        served.wait('count_over_time(up{job="engine"}[1m])', lambda scrapes: scrapes >= 2)
        served.source(engine, data_vllm.later(vllm))
        served.wait('increase(vllm:generation_tokens_total{job="engine"}[1m])', lambda tokens: tokens > 0)
        served.wait("count_over_time(slm:engine_up[1m])", lambda evaluations: evaluations >= 3)
        return served

    yield begin
    for served in running:
        served.close()


@pytest.fixture(scope="module")
def served(start: Start) -> Served:
    """Both sources, whole."""
    return start(data_vllm.recorded(), data_gpu.scrape())


def unresolved(served: Served) -> list[str]:
    queries = rule_queries(groups())
    return empty(evaluate([*queries, *looked_at(queries)], served.url))


def test_every_rule_about_vllm_and_gpus_resolves_and_so_does_every_series_that_it_looks_at(
    served: Served,
) -> None:
    queries = rule_queries(groups())
    print(f"{len(queries)} rules, {len(looked_at(queries))} series looked at")
    assert len(queries) > 15
    assert unresolved(served) == []


def test_every_recorded_series_has_the_labels_of_the_vocabulary_and_no_other(served: Served) -> None:
    names = {rule.name for group in groups() for rule in group.rules}
    for series in (each for each in series_of(WATCHED) if each.name in names):
        found = served.ask(series.name)
        assert found, series.name
        for each in found:
            assert set(each["metric"]) == {"__name__", *series.labels}, series.name


def test_values_are_those_of_the_scrapes(served: Served) -> None:
    values = {
        f"slm:engine_up{{model='{MODEL}',engine='vllm'}}": 1,
        "slm:engine_slots": 64,
        "slm:gpu_utilization:ratio{gpu='0'}": 0.73,
        "slm:gpu_utilization:ratio{gpu='1'}": 0.7,
        "slm:gpu_memory:ratio{gpu='0'}": 0.25,
        "slm:gpu_throttle_reasons{gpu='0'}": 4,
    }
    for query, value in values.items():
        assert [float(each["value"][1]) for each in served.ask(query)] == [pytest.approx(value)], query


def test_counters_and_buckets_that_rose_have_a_rate(served: Served) -> None:
    for query in (
        "slm:preemptions:rate5m",
        "slm:engine_first_token_seconds_bucket:rate5m{le='+Inf'}",
        "slm:inter_token_seconds_bucket:rate5m{le='+Inf'}",
    ):
        assert [float(each["value"][1]) > 0 for each in served.ask(query)] == [True], query


@pytest.mark.parametrize(("metric", "rule"), ONE_LEFT_OUT)
def test_a_metric_that_its_source_renamed_is_found_with_the_rule_that_needs_it(
    start: Start, metric: str, rule: str
) -> None:
    def rename(text: str) -> str:
        assert f"{metric}{{" in text or f"{metric} " in text
        return text.replace(f"{metric}{{", f"{metric}_v2{{").replace(f"\n{metric} ", f"\n{metric}_v2 ")

    sources = data_vllm.recorded(), data_gpu.scrape()
    vllm, gpu = (rename(text) if metric in text else text for text in sources)
    found = unresolved(start(vllm, gpu))
    assert found
    assert any(rule in each for each in found)
    assert all(metric in each for each in found)


def test_the_gpu_data_has_each_field_of_our_counters_file() -> None:
    fields = [line.split(",")[0] for line in counters().splitlines() if not line.startswith("#")]
    assert fields == list(data_gpu.WHOLE)


def test_every_series_that_needs_vllm_or_a_gpu_is_recorded_by_the_groups_that_are_checked() -> None:
    needed = {each.name for each in series_of(WATCHED) if each.exists_for in (For.VLLM, For.GPU, For.ENGINE)}
    assert needed <= {rule.name for group in groups() for rule in group.rules}
