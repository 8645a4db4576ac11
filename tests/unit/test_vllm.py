"""vLLM as a workload: memory, caches, probes, life."""

import re
from typing import Any

import pytest

from catalog.engines import engines
from catalog.models import Attention, load
from catalog.sizing.memory import kv_bytes
from components.engines.vllm.memory import BLOCK_TOKENS, kv_cache_bytes
from components.engines.vllm.recipe import RECIPE
from components.workload import Update, Workload
from tests.unit.vllm_parts import (
    RECORDED,
    every_setting,
    flags_of,
    on_processors,
    rendered,
    serving,
)


def test_no_media_is_fetched_unless_a_domain_is_named() -> None:
    made, open_to = rendered(serving()), rendered(serving(allowedMediaDomains=["images.example.org"]))
    assert flags_of(made.command)["--allowed-media-domains"] == ["none.invalid"]
    assert (made.needs_egress, open_to.needs_egress) == (False, True)
    assert made.environment["VLLM_MEDIA_URL_ALLOW_REDIRECTS"] == "0"


def test_the_hub_is_never_asked_and_nothing_is_reported() -> None:
    environment = rendered(serving()).environment
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "VLLM_NO_USAGE_STATS", "DO_NOT_TRACK"):
        assert environment[name] == "1"
    assert environment["VLLM_MAX_N_SEQUENCES"] == "64"


def test_neither_key_nor_published_port_is_there() -> None:
    made = rendered(every_setting())
    assert "--api-key" not in made.command
    assert not [name for name in made.environment if re.search("KEY|TOKEN|SECRET", name)]
    assert made.publish == ()


@pytest.mark.parametrize("each", [serving(), on_processors()], ids=["gpu", "processors"])
def test_every_cache_is_under_a_path_that_can_be_written(each: Any) -> None:
    made = rendered(each)
    paths = {name: value for name, value in made.environment.items() if value.startswith("/")}
    assert {"HOME", "VLLM_CACHE_ROOT", "HF_HOME", "TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR"} <= set(paths)
    for name, path in paths.items():
        assert any(path == root or path.startswith(f"{root}/") for root in made.caches), name


def test_on_a_gpu_the_old_one_goes_first_and_on_processors_the_new_one_comes_first() -> None:
    assert (rendered(serving()).update, rendered(serving()).resources.gpus) == (Update.STOP_FIRST, 1)
    assert rendered(on_processors()).update is Update.START_FIRST


def test_the_grace_period_is_longer_than_the_linger_and_the_drain() -> None:
    for drain in (0, 60, 600):
        made = rendered(serving(shutdownTimeoutSeconds=drain))
        assert flags_of(made.command)["--shutdown-timeout"] == [str(drain)]
        assert made.drain_seconds > 15 + drain


def test_the_start_up_budget_grows_with_the_weights_up_to_half_an_hour() -> None:
    def budget(size: int) -> int:
        readiness = rendered(serving(weights=size)).readiness
        assert readiness is not None
        return readiness.start_seconds

    assert [budget(size) for size in (1, 16_000_000_000, 500_000_000_000)] == [600, 920, 1800]


def test_shared_memory_is_enough_for_the_workers_of_several_gpus() -> None:
    assert rendered(serving()).resources.shared_memory_mib == 1024
    assert rendered(serving(gpus=2)).resources.shared_memory_mib == 2048


def test_on_processors_the_kv_cache_has_a_size_and_threads_are_not_bound() -> None:
    made: Workload = rendered(on_processors())
    flags = flags_of(made.command)
    assert "--gpu-memory-utilization" not in flags
    assert int(flags["--kv-cache-memory-bytes"][0]) >= 4 * 2048 * 2 * 36 * 8 * 128 * 2
    assert made.environment["VLLM_CPU_OMP_THREADS_BIND"] == "nobind"
    assert made.environment["OMP_NUM_THREADS"] == "7"


def test_the_kv_cache_is_what_the_recorded_engine_made_of_it() -> None:
    """Gemma 3 270M, 2 GiB: that engine counted 5,461 blocks, enough for 54.07 requests of 2,048 tokens."""
    (info,) = re.findall(r"cache_config_info\{(.*)\}", (RECORDED / "metrics.txt").read_text())
    recorded = dict(re.findall(r'(\w+)="([^"]*)"', info))
    attention = Attention(layers=18, kv_heads=1, head_size=256, sliding_layers=15, sliding_window=512)
    block = BLOCK_TOKENS * 3 * 2 * 256 * 2
    assert int(recorded["block_size"]) == BLOCK_TOKENS
    assert int(recorded["kv_cache_memory_bytes"]) // block == int(recorded["num_gpu_blocks"])
    # One is never given out.
    blocks = kv_cache_bytes(attention, 2048, 1) // block - 1
    assert int(recorded["num_gpu_blocks"]) / blocks == pytest.approx(
        float(recorded["kv_cache_max_concurrency"])
    )


@pytest.mark.parametrize("name", sorted(load()))
def test_the_kv_cache_on_processors_is_what_sizing_counts_and_a_few_blocks(name: str) -> None:
    """Sizing makes the memory limit that this cache must fit in; it counts in smaller blocks."""
    model, sequences = load()[name], 4
    context = min(8192, model.context_length)
    facts = engines()["vllm"].kv
    assert facts is not None
    counted = kv_bytes(facts, model.attention, context, sequences, 2)
    asked = kv_cache_bytes(model.attention, context, sequences)
    assert counted <= asked <= 1.1 * counted


def test_the_health_path_and_port_are_the_contracts() -> None:
    made = rendered(serving())
    assert RECIPE.health_path == "/health"
    assert (made.ports, made.metrics_path, made.user) == ((8000,), "/metrics", 2000)
    for probe in (made.readiness, made.liveness):
        assert probe is not None
        assert (probe.path, probe.port) == ("/health", 8000)
