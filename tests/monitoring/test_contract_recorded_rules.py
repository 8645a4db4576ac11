"""Recording rules before the real promtool: that it takes them, and what they make of given series."""

from dataclasses import replace
from pathlib import Path

import docker
import pytest

from monitoring import prometheus
from tests.monitoring.data_stacks import STACKS, VLLM, hosted, promtool
from tests.monitoring.rule_cases import TEST, Cases, files_of

pytestmark = pytest.mark.docker

_THREE = STACKS["onnx, ollama and an endpoint outside"]
WATCHED = replace(_THREE, models=(*_THREE.models, hosted("big", VLLM)))
READ = ('up{job="usage",instance="c"}', "1x800")
KEY = 'key_id="alice",model="tiny"'
TINY = 'model="tiny"'
ENGINE = 'job="engine",model="tiny",engine="onnx",instance="tiny:8000"'
_VLLM = 'job="engine",model="big",engine="vllm"'


@pytest.mark.parametrize("name", STACKS)
def test_promtool_takes_the_rules_and_the_configuration_of(
    name: str,
    docker_client: docker.DockerClient,
    prometheus_image: str,
    test_label: dict[str, str],
    tmp_path: Path,
) -> None:
    files = prometheus.render(STACKS[name])
    for command in (
        ("check", "rules", "--lint=all", "--lint-fatal", "recording.yml", "alerts.yml"),
        ("check", "config", "--lint=all", "--lint-fatal", "prometheus.yml"),
    ):
        said = promtool(docker_client, prometheus_image, tmp_path, files, *command, labels=test_label)
        assert "SUCCESS" in said
        assert "FAILED" not in said


def counters(name: str, values: str, labels: str = KEY, served_by: str = "tiny") -> tuple[str, str]:
    return f'{name}{{job="usage",{labels},served_by="{served_by}"}}', values


def requests(outcome: str, values: str) -> tuple[str, str]:
    return counters("slm_requests_total", values, f'{KEY},outcome="{outcome}"')


def backend(name: str, values: str) -> tuple[str, str]:
    return f'haproxy_backend_{name}{{job="gateway",proxy="tiny"}}', values


def bucket(le: str, values: str) -> tuple[str, str]:
    return f'slm_first_byte_seconds_bucket{{job="usage",{TINY},le="{le}"}}', values


def _replica(number: int) -> str:
    return ENGINE.replace("tiny:8000", f"10.0.0.{number}:8000")


CASES: Cases = {
    "without traffic every rate, share and total is 0": (
        [READ],
        [
            ("30m", "count(slm:usage_requests:total)", 24),
            ("30m", "sum(slm:usage_requests:total)", 0),
            ("30m", f"slm:usage_usd:total{{key_id='alice',{TINY.replace('tiny', 'outside-4.1')}}}", 0),
            ("30m", f'slm:requests:rate5m{{{TINY},outcome="failed"}}', 0),
            ("30m", f"slm:request_errors:ratio_rate3d{{{TINY}}}", 0),
            ("30m", f"slm:slow_first_token:ratio_rate5m{{{TINY}}}", 0),
            ("30m", f'slm:time_to_first_token_seconds_bucket:rate5m{{{TINY},le="0.5"}}', 0),
            ("30m", 'slm:gateway_refusals:rate5m{error="queue_full"}', 0),
        ],
    ),
    "the first failure of a key that never had one is a rise, and spoils the share": (
        [READ, counters("slm_prompt_tokens_total", "0x800"), requests("failed", "_x40 1x200")],
        [
            ("12m", f'increase(slm:usage_requests:total{{{KEY},outcome="failed"}}[10m]) > bool 0', 1),
            ("12m", f'slm:requests:rate5m{{{TINY},outcome="failed"}} > bool 0', 1),
            ("12m", f"slm:request_errors:ratio_rate5m{{{TINY}}}", 1),
            ("30m", f"slm:request_errors:ratio_rate5m{{{TINY}}}", 0),
            ("30m", f"slm:request_errors:ratio_rate6h{{{TINY}}}", 1),
        ],
    ),
    "one error in four counts, whatever the caller did wrong beside it": (
        [
            READ,
            requests("ok", "0+3x200"),
            requests("overloaded", "0+1x200"),
            requests("refused", "0+9x200"),
            requests("limited", "0+9x200"),
            requests("cancelled", "0+9x200"),
        ],
        [
            ("40m", f"round(slm:request_errors:ratio_rate5m{{{TINY}}}, 0.001)", 0.25),
            ("40m", f"round(slm:request_errors:ratio_rate1h{{{TINY}}}, 0.001)", 0.25),
            ("40m", f"round(slm:request_errors:ratio_rate3d{{{TINY}}}, 0.001)", 0.25),
        ],
    ),
    "one late answer in four is the share of late answers": (
        [READ, bucket("0.5", "_x20 0+3x200"), bucket("5", "_x20 0+4x200"), bucket("+Inf", "_x20 0+4x200")],
        [
            ("40m", f"round(slm:slow_first_token:ratio_rate5m{{{TINY}}}, 0.001)", 0.25),
            ("40m", f"round(slm:slow_first_token:ratio_rate1d{{{TINY}}}, 0.001)", 0.25),
        ],
    ),
    "a collector that is away makes a gap, and its return no second count": (
        [
            (READ[0], "1x40 0x40 1x40"),
            counters("slm_prompt_tokens_total", "100x40 stale _x39 100x40"),
        ],
        [
            ("5m", f"slm:usage_prompt_tokens:total{{{KEY}}}", 100),
            ("15m", f"slm:usage_prompt_tokens:total{{{KEY}}}", None),
            ("25m", f"slm:usage_prompt_tokens:total{{{KEY}}}", 100),
            ("25m", f"increase(slm:usage_prompt_tokens:total{{{KEY}}}[25m])", 0),
        ],
    ),
    "money is the sum of what each model that answered cost, and 0 where nothing was counted": (
        [
            READ,
            counters("slm_prompt_tokens_total", "2000000x40"),
            counters("slm_usd_total", "0x40"),
            counters("slm_usd_total", "7x40", served_by="outside-4.1"),
        ],
        [
            ("5m", f"slm:usage_usd:total{{{KEY}}}", 7),
            ("5m", 'slm:usage_usd:total{key_id="alice",model="outside-4.1"}', 0),
            ("5m", 'slm:usage_usd:total{key_id="bob"}', None),
        ],
    ),
    "an engine is up while it says so and can be asked": (
        [(f"up{{{ENGINE}}}", "1x40 1x40 0x40"), (f"onnx_engine_up{{{ENGINE}}}", "1x40 0x40 stale _x39")],
        [
            ("5m", f"slm:engine_up{{{TINY}}}", 1),
            ("15m", f"slm:engine_up{{{TINY}}}", 0),
            ("25m", f"slm:engine_up{{{TINY}}}", 0),
        ],
    ),
    "two replicas have the slots of both, and each its own memory and KV cache": (
        [
            *(
                (f"onnx_{name}{{{_replica(number)}}}", f"{values[number]}x40")
                for name, values in {
                    "container_memory_bytes": (1.4e9, 1.2e9),
                    "kv_usage_ratio": (0.6, 0.7),
                    "slots": (4, 4),
                    "requests_running": (3, 4),
                }.items()
                for number in (0, 1)
            ),
            (f"up{{{_VLLM},instance='a'}}", "1x20 1x20"),
            (f"up{{{_VLLM},instance='b'}}", "1x20 0x20"),
        ],
        [
            ("5m", f"slm:engine_memory_bytes{{{TINY}}}", 1.4e9),
            ("5m", f"slm:engine_memory_bytes{{{TINY}}} > bool slm:engine_memory_limit_bytes{{{TINY}}}", 0),
            ("5m", f"slm:kv_cache:ratio{{{TINY}}}", 0.7),
            ("5m", f"slm:engine_slots{{{TINY}}}", 8),
            ("5m", f"slm:engine_running{{{TINY}}}", 7),
            ("4m", 'slm:engine_slots{model="big"}', 128),
            ("8m", 'slm:engine_slots{model="big"}', 64),
        ],
    ),
    "starts are counted for an hour, the first one too": (
        [(f"process_start_time_seconds{{{ENGINE}}}", "0x159 2400x400")],
        [
            ("30m", f"slm:cold_starts:changes1h{{{TINY}}}", 1),
            ("45m", f"slm:cold_starts:changes1h{{{TINY}}}", 2),
            ("90m", f"slm:cold_starts:changes1h{{{TINY}}}", 1),
            ("110m", f"slm:cold_starts:changes1h{{{TINY}}}", 0),
        ],
    ),
    "requests that are held for want of a replica wait too": (
        [
            backend("current_sessions", "7x40 5x40"),
            backend("current_queue", "3x40 0x40"),
            backend("active_servers", "1x40 0x40"),
        ],
        [
            ("5m", f"slm:requests_queued{{{TINY}}}", 3),
            ("5m", f"slm:demand{{{TINY}}}", 7),
            ("15m", f"slm:requests_queued{{{TINY}}}", 5),
            ("15m", f"slm:replicas{{{TINY}}}", 0),
        ],
    ),
}


def test_rules_make_of_given_series_what_they_should(
    docker_client: docker.DockerClient, prometheus_image: str, test_label: dict[str, str], tmp_path: Path
) -> None:
    files = files_of(WATCHED, CASES)
    said = promtool(docker_client, prometheus_image, tmp_path, files, *TEST, labels=test_label)
    assert "SUCCESS" in said
    assert "FAILED" not in said
