"""Prometheus' configuration, as it is rendered."""

from dataclasses import replace

import yaml

from monitoring import prometheus
from monitoring.watched import LOGIN, PASSWORD_FILE, Watched, WatchedKey
from tests.monitoring.data_stacks import DOMAIN, ONNX, STACKS, VLLM, hosted

STACK = STACKS["every engine"]


def config(watched: Watched) -> dict[str, object]:
    made: dict[str, object] = yaml.safe_load(prometheus.render(watched)["prometheus.yml"])
    return made


def test_the_same_stack_gives_the_same_files() -> None:
    assert prometheus.render(STACK) == prometheus.render(replace(STACK))


def test_every_source_is_scraped_and_no_other() -> None:
    def jobs(name: str) -> set[str]:
        scrapes = config(STACKS[name])["scrape_configs"]
        assert isinstance(scrapes, list)
        return {job["job_name"] for job in scrapes}

    always = {"gateway", "usage", "node", "prometheus", "alertmanager", "loki", "collector"}
    assert jobs("an endpoint outside alone") == always
    assert jobs("onnx") == {*always, "engine"}
    assert jobs("every engine") == {*always, "engine", "gpu"}
    assert jobs("on a cluster") == {*always, "engine"} - {"node"}
    assert jobs("on a cluster, with GPUs") == {*always, "engine", "gpu", "certificate"} - {"node"}


def test_the_gateways_own_certificate_is_asked_of_its_metrics_port() -> None:
    scrapes = config(STACKS["on a cluster, with GPUs"])["scrape_configs"]
    assert isinstance(scrapes, list)
    job = next(job for job in scrapes if job["job_name"] == "certificate")
    assert (job["metrics_path"], job["static_configs"]) == ("/certificate", [{"targets": ["gateway:8405"]}])


def test_an_engine_is_one_target_with_its_model_and_kind() -> None:
    engine = replace(VLLM, port=8001, metrics_path="/other")
    watched = Watched("s", (hosted("tiny", ONNX), hosted("big", engine), hosted("lora", engine, "big")), ())
    scrapes = config(watched)["scrape_configs"]
    assert isinstance(scrapes, list)
    targets = next(job for job in scrapes if job["job_name"] == "engine")["static_configs"]
    path = "__metrics_path__"
    assert targets == [
        {"targets": ["tiny:8000"], "labels": {"model": "tiny", "engine": "onnx", path: "/metrics"}},
        {"targets": ["big:8001"], "labels": {"model": "big", "engine": "vllm", path: "/other"}},
    ]


def test_on_a_cluster_each_ready_replica_is_a_target_with_its_model_and_kind() -> None:
    scrapes = config(STACKS["on a cluster"])["scrape_configs"]
    assert isinstance(scrapes, list)
    job = next(job for job in scrapes if job["job_name"] == "engine")
    assert "static_configs" not in job
    found = {each["names"][0]: (each["type"], each["port"]) for each in job["dns_sd_configs"]}
    assert found == {f"{name}.{DOMAIN}.": ("A", 8000) for name in ("small-1-5b", "tiny")}
    labels = {(each["regex"], each["target_label"]): each["replacement"] for each in job["relabel_configs"]}
    for name, model, engine in (("small-1-5b", "small-1.5b", "ollama"), ("tiny", "tiny", "onnx")):
        asked = f"{name}.{DOMAIN}.".replace(".", "[.]")
        assert labels.pop((asked, "model")) == model
        assert labels.pop((asked, "engine")) == engine
        assert labels.pop((asked, "__metrics_path__")) == "/metrics"
    assert not labels


def test_prometheus_logs_in_where_a_page_asks_for_it_and_no_password_is_in_its_configuration() -> None:
    made = config(STACK)
    login = {"username": LOGIN, "password_file": PASSWORD_FILE}
    scrapes, alerting = made["scrape_configs"], made["alerting"]
    assert isinstance(scrapes, list)
    assert isinstance(alerting, dict)
    with_login = {job["job_name"] for job in scrapes if job.get("basic_auth") == login}
    assert with_login == {"prometheus", "alertmanager"}
    assert alerting["alertmanagers"][0]["basic_auth"] == login
    assert "password:" not in prometheus.render(STACK)["prometheus.yml"]


def test_scrapes_are_bounded_and_series_carry_the_stack() -> None:
    common = config(STACK)["global"]
    assert isinstance(common, dict)
    assert common["sample_limit"] > 0
    assert common["body_size_limit"]
    assert common["external_labels"] == {"stack": "all"}


def test_the_bounds_of_usage_grow_with_keys_and_models_and_are_never_below_the_others() -> None:
    def bounds(keys: int) -> tuple[int, int]:
        named = tuple(WatchedKey(f"k{number}", ("tiny",)) for number in range(keys))
        scrapes = config(replace(STACK, keys=named))["scrape_configs"]
        assert isinstance(scrapes, list)
        usage = next(job for job in scrapes if job["job_name"] == "usage")
        return usage["sample_limit"], int(usage["body_size_limit"].removesuffix("MB"))

    common = config(STACK)["global"]
    assert isinstance(common, dict)
    assert bounds(1) == (common["sample_limit"], int(common["body_size_limit"].removesuffix("MB")))
    samples, mebibytes = bounds(1000)
    assert samples == 1000 * len(STACK.models) * 40
    assert mebibytes * 2**20 >= samples * 250
