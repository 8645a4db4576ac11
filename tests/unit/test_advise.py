"""`make advise`: what a user sees, and that what it gives to paste is taken."""

import pytest
import yaml
from pydantic import ValidationError

from catalog import hardware
from catalog.errors import KitError
from catalog.models import find, load
from catalog.sizing.table import WIDTH
from ops.advise import LEAST_CONTEXT, MOST_CONCURRENCY, advise
from stacks.model_settings import ModelSettings
from stacks.parsing import parse
from stacks.plan import plan
from stacks.settings import StackSettings

SIZED = {
    name
    for name, model in load().items()
    if any(variant.engine != "external" for variant in model.variants.values())
}


def test_a_model_that_only_an_external_endpoint_serves_is_refused_with_the_way_to_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in set(load()) - SIZED:
        with pytest.raises(KitError, match=r"no engine of the kit serves it.*`engine: external`"):
            advise(name, 512, 1)
        assert capsys.readouterr().out == "", "no table without rows"


def test_phi_4_mini_fits_on_a_t4(capsys: pytest.CaptureFixture[str]) -> None:
    advise("phi-4-mini-instruct", 4096, 4, "t4")
    said = capsys.readouterr().out
    assert "NVIDIA T4 16 GB  yes   vllm    vllm-bf16" in said
    assert "To rent as Standard_NC4as_T4_v3 (eastus, 384 $/month, price of 2024-08)" in said


def test_qwen3_14b_on_an_8_gb_card_is_refused_with_what_would_fit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KitError) as refused:
        advise("qwen3-14b", 4096, 1, "rtx-4060")
    assert refused.value.exit_code == 2
    assert "What fits: " in refused.value.next_step
    assert "GeForce RTX 4060 8 GB  no" in capsys.readouterr().out


@pytest.mark.parametrize(("card", "variant"), [("a100-80", "vllm-fp8"), ("h100-94", "vllm-bf16")])
def test_gemma_3_27b_with_eight_long_contexts_fits_on_one_large_card(
    card: str, variant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    advise("gemma-3-27b-it", 32768, 8, card)
    said = capsys.readouterr().out
    assert variant in said
    assert "must be accepted at the hub first" in said


def test_without_hardware_every_machine_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    advise("smollm2-135m-instruct", 2048, 4)
    said = capsys.readouterr().out
    for machine in hardware.hardware().values():
        assert machine.title in said
    assert "Cheapest of these to rent, by the prices known: Standard_NC4as_T4_v3" in said


@pytest.mark.parametrize("name", sorted(SIZED))
def test_no_table_is_wider_than_the_terminal(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    model = find(name)
    advise(name, min(model.context_length, 32768), 1)
    table = capsys.readouterr().out.split("\n\n")[0]
    assert max(map(len, table.splitlines())) <= WIDTH


def _pasted(said: str, target: str = "local-docker") -> StackSettings:
    """Settings of a stack whose config has nothing but the advice and what every stack has."""
    (part,) = (part for part in said.split("\n\n") if part.startswith("# target") and target in part)
    config = {key.removeprefix("slm-kit:"): value for key, value in yaml.safe_load(part).items()}
    given = {"target": target, "keys": [{"id": "default"}], "images": "upstream", "modelSource": "hf"}
    if "kubernetes" in config:
        config["kubernetes"]["images"] = {"tag": "1"}
    return parse({**given, **config}, {"default": "slm-x"})


@pytest.mark.parametrize(
    ("model", "machine", "engine", "variant", "gpus"),
    [
        ("smollm2-135m-instruct", "cpu-8", "onnx", "onnx-int4", 0),
        ("smollm2-135m-instruct", "t4", "vllm", "vllm-bf16", 1),
        ("gemma-3-27b-it", "t4", "ollama", "gguf-q4_k_m", 2),
    ],
)
def test_what_is_given_to_paste_is_planned_by_the_stack(
    model: str, machine: str, engine: str, variant: str, gpus: int, capsys: pytest.CaptureFixture[str]
) -> None:
    advise(model, 2048, 4, machine)
    (hosted,) = plan(_pasted(capsys.readouterr().out)).hosted
    assert (hosted.decision.engine, hosted.decision.variant, hosted.decision.gpus) == (engine, variant, gpus)
    assert hosted.fit.fits
    assert len(hosted.devices) == gpus


@pytest.mark.parametrize(
    ("machine", "gpus"), [("t4", 2), ("Standard_NC64as_T4_v3", 2), ("standard_nc24ads_a100_v4", 1)]
)
def test_what_is_given_to_paste_for_a_cluster_is_planned_on_its_pool(
    machine: str, gpus: int, capsys: pytest.CaptureFixture[str]
) -> None:
    advise("gemma-3-27b-it", 2048, 4, machine, engine="ollama")
    said = capsys.readouterr().out
    assert "# target local-docker\nslm-kit:hardware: " in said
    (hosted,) = plan(_pasted(said, "kubernetes")).hosted
    assert (hosted.decision.pool, hosted.decision.gpus) == ("gpu", gpus)


def test_a_size_of_azure_that_is_none_or_has_no_gpu_is_refused() -> None:
    with pytest.raises(KitError, match="Did you mean Standard_NC"):
        advise("smollm2-135m-instruct", 512, 1, "Standard_NC4as_T4_v2")
    with pytest.raises(KitError, match="has no GPU"):
        advise("smollm2-135m-instruct", 512, 1, "Standard_D8ds_v5")


def test_a_variant_whose_revision_is_open_is_advised_with_the_step_that_locks_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    advise("phi-4-mini-instruct", 4096, 4, "t4")
    assert "run make lock-models MODELS=phi-4-mini-instruct." in capsys.readouterr().out
    advise("smollm2-135m-instruct", 2048, 4, "t4")
    assert "lock-models" not in capsys.readouterr().out


def test_a_context_the_model_was_not_trained_for_is_refused() -> None:
    with pytest.raises(KitError, match=r"CONTEXT 9000.*8192"):
        advise("smollm2-135m-instruct", 9000, 1)


@pytest.mark.parametrize("concurrency", [0, MOST_CONCURRENCY + 1])
def test_a_concurrency_that_no_stack_takes_is_refused(concurrency: int) -> None:
    with pytest.raises(KitError, match=rf"CONCURRENCY {concurrency}: a stack takes 1 to 64"):
        advise("smollm2-135m-instruct", 512, concurrency)


def test_the_bounds_are_those_of_a_stacks_config() -> None:
    for (context, concurrency), taken in (
        ((LEAST_CONTEXT, MOST_CONCURRENCY), True),
        ((LEAST_CONTEXT - 1, 1), False),
        ((LEAST_CONTEXT, MOST_CONCURRENCY + 1), False),
    ):
        entry = {"name": "smollm2-135m-instruct", "contextLength": context, "concurrency": concurrency}
        try:
            ModelSettings.model_validate(entry, by_name=False, by_alias=True)
        except ValidationError:
            assert not taken
        else:
            assert taken


def test_an_engine_without_sizes_is_refused_with_those_that_have_them() -> None:
    with pytest.raises(KitError, match=r"'external'.*onnx, ollama, vllm"):
        advise("smollm2-135m-instruct", 512, 1, engine="external")


def test_a_model_that_fits_nowhere_is_refused() -> None:
    with pytest.raises(KitError, match="comes nearest and needs"):
        advise("phi-4", 16384, 64, engine="vllm")
