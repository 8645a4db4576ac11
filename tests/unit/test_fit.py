"""What follows from memory: what fits where, how fast, at what price; and the refusal of what does not."""

import json

import pytest

from catalog import hardware
from catalog.errors import KitError
from catalog.models import Model, find
from catalog.sizing import MIB
from catalog.sizing.cost import cold_start_of, usd_a_million_tokens, usd_a_month
from catalog.sizing.fit import Load, fit
from catalog.sizing.refusal import fit_or_refuse
from catalog.sizing.speed import bytes_a_step, tokens_per_second
from catalog.sizing.table import FOOTNOTE, WIDTH, as_output, size_row, stack_table

SMOL = "smollm2-135m-instruct"


def test_one_token_reads_the_weights_once_and_its_own_cache() -> None:
    model = find("qwen3-14b")
    cache = 2 * 8 * 128 * 2 * 40 * 4096
    weights = model.variants["vllm-bf16"].bytes
    assert bytes_a_step(model, "vllm-bf16", 4096, 1) == weights + cache
    assert bytes_a_step(model, "vllm-bf16", 4096, 8) == weights + 8 * cache


def test_a_mixture_of_experts_reads_its_active_part_for_one_token(moe: Model) -> None:
    weights = moe.variants["vllm-bf16"].bytes
    alone, together = (bytes_a_step(moe, "vllm-bf16", 16, count) for count in (1, 64))
    assert alone < weights * 0.2
    assert weights * 0.99 < together < weights * 1.1


@pytest.fixture
def moe() -> Model:
    return find("qwen3-14b").model_copy(
        update={"name": "mixture", "parameters": 30_000_000_000, "active_parameters": 3_000_000_000}
    )


def test_the_speed_is_at_most_bandwidth_over_bytes() -> None:
    found = fit(find("qwen3-14b"), "vllm-bf16", Load(4096, 8), hardware.find("a100-80"))
    one, all_of_them = tokens_per_second(found, 1), tokens_per_second(found)
    assert one == pytest.approx(1935e9 / (29536614400 + 671088640))
    assert all_of_them == pytest.approx(8 * 1935e9 / (29536614400 + 8 * 671088640))


def test_two_gpus_are_twice_as_fast_where_they_work_together_only() -> None:
    model, t4 = find("qwen3-14b"), hardware.find("t4")
    speeds = {
        (variant, gpus): tokens_per_second(fit(model, variant, Load(2048, 1), t4, gpus=gpus), 1)
        for variant in ("vllm-awq", "gguf-q4_k_m")
        for gpus in (1, 2)
    }
    assert speeds["vllm-awq", 2] == 2 * (speeds["vllm-awq", 1] or 0)
    assert speeds["gguf-q4_k_m", 2] == speeds["gguf-q4_k_m", 1]


def test_nothing_is_said_of_speed_or_price_where_nobody_knows_them() -> None:
    found = fit(find(SMOL), "onnx-int4", Load(2048, 4), hardware.this_machine(8 * 2**30, 2))
    assert found.fits
    assert tokens_per_second(found) is None
    assert usd_a_month(found) is None
    assert usd_a_million_tokens(found) is None


def test_an_embedding_model_decodes_nothing_so_it_has_no_speed_in_tokens() -> None:
    model = find("qwen3-embedding-0.6b")
    assert tokens_per_second(fit(model, "gguf-q8_0", Load(2048, 4), hardware.find("cpu-8"))) is None


def test_a_month_is_730_hours_of_the_whole_machine() -> None:
    found = fit(find("phi-4-mini-instruct"), "vllm-bf16", Load(4096, 4), hardware.find("t4"))
    assert usd_a_month(found) == pytest.approx(0.526 * 730)
    speed = tokens_per_second(found)
    assert speed is not None
    assert usd_a_million_tokens(found) == pytest.approx(0.526 / (speed * 3600 / 1e6))


def test_a_cold_start_is_said_only_of_machines_whose_rates_were_measured() -> None:
    model, load = find("phi-4-mini-instruct"), Load(4096, 1)
    owned, rented = (fit(model, "gguf-q4_k_m", load, hardware.find(name)) for name in ("rtx-3060", "t4"))
    assert cold_start_of(owned) is None
    assert size_row(owned).cold_start_seconds is None
    start = cold_start_of(rented)
    assert start is not None
    assert start.total == start.node + start.image + start.download + start.load
    assert start.node == hardware.cold_start().node_seconds


def test_a_machine_of_unknown_memory_takes_everything_and_shows_no_number_for_it() -> None:
    found = fit_or_refuse(find("qwen3-14b"), "gguf-q8_0", Load(40960, 64), hardware.this_machine(None, None))
    assert found.fits
    assert found.hardware.title == "this machine"
    row = size_row(found)
    assert row.has is None
    assert "unknown" in stack_table([row]).splitlines()[1]


def test_a_price_of_more_gpus_than_are_used_says_so() -> None:
    model, machine = find("phi-4-mini-instruct"), hardware.find("a100-40")
    row = size_row(fit(model, "vllm-bf16", Load(4096, 4), machine))
    assert row.hardware == "1 of 8 x NVIDIA A100 40 GB"
    assert row.usd_per_month == pytest.approx(27.197 * 730)
    assert size_row(fit(model, "vllm-bf16", Load(4096, 4), hardware.find("t4"))).hardware == "NVIDIA T4 16 GB"


def test_what_does_not_fit_is_refused_with_need_limit_and_the_nearest_that_does() -> None:
    with pytest.raises(KitError) as refused:
        fit_or_refuse(find("qwen3-14b"), "gguf-q4_k_m", Load(4096, 1), hardware.find("rtx-4060"))
    said = str(refused.value)
    assert "Qwen3 14B for 1 x 4096 tokens on GeForce RTX 4060 8 GB" in said
    assert "needs 9." in said
    assert "it on GeForce RTX 3060 12 GB (gguf-q4_k_m)" in said
    assert "Qwen3 8B here" in said
    assert refused.value.exit_code == 2


def test_the_nearest_that_fits_does_fit() -> None:
    model, machine = find("gemma-3-27b-it"), hardware.find("rtx-5090")
    with pytest.raises(KitError, match=r"What fits: (\d) x 32768 tokens here \(gguf-q4_k_m\)") as refused:
        fit_or_refuse(model, "gguf-q4_k_m", Load(32768, 8), machine)
    count = int(refused.value.next_step.split(": ")[1].split(" x ")[0])
    assert fit(model, "gguf-q4_k_m", Load(32768, count), machine).fits
    assert not fit(model, "gguf-q4_k_m", Load(32768, count + 1), machine).fits


def test_a_variant_of_an_engine_that_does_not_run_there_is_refused() -> None:
    with pytest.raises(KitError, match="vLLM does not run there, only Ollama"):
        fit_or_refuse(find("qwen3-14b"), "vllm-awq", Load(2048, 1), hardware.find("agx-orin-64"))


def test_the_stacks_table_keeps_to_the_terminal_and_its_data_to_json() -> None:
    machine = hardware.this_machine(8 * 2**30, 2)
    rows = [
        size_row(
            fit(find(SMOL), "onnx-int4", Load(8192, 64), machine), "a-name-that-is-far-too-long-for-a-table"
        ),
        size_row(fit(find(SMOL), "gguf-q4_1", Load(2048, 4), machine)),
    ]
    lines = stack_table(rows).splitlines()
    assert len(lines) == 3 + len(FOOTNOTE.splitlines())
    assert max(map(len, lines)) <= WIDTH
    data = json.loads(json.dumps(as_output(rows)))
    assert [row["engine"] for row in data] == ["onnx", "ollama"]
    assert data[0]["fits"] is False
    assert data[1]["memory_limit"] % MIB == 0
