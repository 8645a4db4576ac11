"""`engine: auto`: every rule of catalog/sizing/candidates.py, and the reason that is given."""

import pytest

from catalog import hardware
from catalog.choosing import choose_engine
from catalog.errors import KitError
from catalog.models import Model, find
from catalog.sizing.fit import Load
from catalog.sizing.refusal import fit_or_refuse

SMOL = "smollm2-135m-instruct"


def test_on_processors_onnx_comes_first() -> None:
    choice = choose_engine(find(SMOL), hardware.find("cpu-2"), 2048, 4)
    assert (choice.engine, choice.variant) == ("onnx", "onnx-int4")
    assert choice.reason.startswith("ONNX Runtime because it is the faster one on processors")


def test_on_processors_a_model_without_an_onnx_variant_goes_to_ollama_and_it_says_why() -> None:
    choice = choose_engine(find("phi-4-mini-instruct"), hardware.find("cpu-8"), 2048, 1)
    assert choice.engine == "ollama"
    assert "no variant for ONNX Runtime" in choice.reason


def test_on_processors_ollama_takes_over_where_onnx_is_too_large() -> None:
    machine = hardware.this_machine(13 * 2**30, 8)
    choice = choose_engine(find("qwen3-14b"), machine, 4096, 1)
    assert (choice.engine, choice.variant) == ("ollama", "gguf-q4_k_m")
    assert "onnx-int4 does not fit" in choice.reason


def test_a_stack_that_reaches_one_kind_of_source_gets_a_variant_of_it() -> None:
    choice = choose_engine(find(SMOL), hardware.find("cpu-2"), 2048, 4, source_kind="pypi")
    assert choice.variant == "onnx-int4-from-gguf"
    with pytest.raises(KitError, match="no variant of it is for an engine that runs there"):
        choose_engine(find("qwen3-14b"), hardware.find("cpu-8"), 2048, 1, source_kind="oci")


def test_on_a_gpu_vllm_comes_first_for_many_requests() -> None:
    choice = choose_engine(find("phi-4-mini-instruct"), hardware.find("t4"), 4096, 4)
    assert (choice.engine, choice.variant) == ("vllm", "vllm-bf16")
    assert "batches 4 requests at once" in choice.reason


def test_on_a_small_gpu_ollama_comes_first_for_one_request() -> None:
    choice = choose_engine(find("phi-4-mini-instruct"), hardware.find("t4"), 4096, 1)
    assert choice.engine == "ollama"
    assert "one request at a time" in choice.reason


def test_on_a_large_gpu_vllm_comes_first_for_one_request_too() -> None:
    choice = choose_engine(find("phi-4-mini-instruct"), hardware.find("a100-80"), 4096, 1)
    assert choice.engine == "vllm"


def test_a_smaller_quantization_on_one_gpu_comes_before_the_full_one_on_two() -> None:
    choice = choose_engine(find("gemma-3-27b-it"), hardware.find("a100-80"), 32768, 8)
    assert (choice.variant, choice.fit.gpus) == ("vllm-fp8", 1)
    assert "vllm-bf16 does not fit" in choice.reason


def test_the_full_precision_comes_where_it_fits() -> None:
    choice = choose_engine(find("gemma-3-27b-it"), hardware.find("h100-94"), 32768, 8)
    assert (choice.variant, choice.fit.gpus) == ("vllm-bf16", 1)


def test_a_model_that_needs_bfloat16_goes_to_ollama_on_a_gpu_without_it() -> None:
    choice = choose_engine(find("gemma-3-27b-it"), hardware.find("t4"), 4096, 4)
    assert choice.engine == "ollama"
    assert choice.fit.gpus > 1
    assert "in bfloat16 only, and NVIDIA T4 16 GB has none" in choice.reason


def test_the_heads_are_divided_whole_where_gpus_work_together() -> None:
    seven = _with_heads(7)
    assert choose_engine(seven, hardware.find("t4"), 2048, 4, engine="vllm").fit.gpus == 1
    with pytest.raises(KitError, match="nearest"):
        choose_engine(seven, hardware.find("t4"), 40960, 32, engine="vllm")


def _with_heads(heads: int) -> Model:
    model = find("qwen3-14b")
    attention = model.attention.model_copy(update={"kv_heads": heads})
    return model.model_copy(update={"attention": attention})


def test_an_embedding_model_goes_to_an_engine_that_serves_embeddings() -> None:
    model = find(SMOL).model_copy(update={"task": "embedding", "embedding_size": 576})
    choice = choose_engine(model, hardware.find("cpu-2"), 512, 4)
    assert choice.engine == "ollama"
    assert "ONNX Runtime serves no embeddings" in choice.reason


def test_an_engine_that_is_asked_for_is_taken_or_refused_but_never_replaced() -> None:
    choice = choose_engine(find(SMOL), hardware.find("cpu-2"), 2048, 4, engine="ollama")
    assert choice.engine == "ollama"
    assert "you asked for it" in choice.reason
    with pytest.raises(KitError, match="no variant of it is for an engine that runs there"):
        choose_engine(find(SMOL), hardware.find("t4"), 2048, 4, engine="onnx")


def test_vllm_runs_on_processors_only_when_it_is_asked_for() -> None:
    model, machine = find(SMOL), hardware.find("cpu-8")
    assert choose_engine(model, machine, 2048, 4, engine="vllm").variant == "vllm-bf16"
    assert choose_engine(model, machine, 2048, 4).engine == "onnx"


def test_where_nothing_fits_the_refusal_names_the_nearest() -> None:
    with pytest.raises(KitError, match=r"comes nearest and needs .* What fits: .*RTX 3060 12 GB"):
        choose_engine(find("qwen3-14b"), hardware.find("rtx-4060"), 2048, 1)


def test_an_edge_device_gets_the_engine_that_runs_there() -> None:
    assert choose_engine(find("phi-4-mini-instruct"), hardware.find("orin-nx-16"), 4096, 4).engine == "ollama"


def test_engines_that_the_stack_cannot_run_are_neither_chosen_nor_proposed() -> None:
    model, card = find("phi-4-mini-instruct"), hardware.find("t4")
    choice = choose_engine(model, card, 4096, 4, engines=("onnx", "ollama"))
    assert choice.engine == "ollama"
    assert "because this stack cannot run vLLM" in choice.reason
    with pytest.raises(KitError, match="the stack can run onnx") as refused:
        choose_engine(model, card, 4096, 4, engines=["onnx"])
    assert "Ollama" not in refused.value.next_step
    assert "vLLM" not in refused.value.next_step


def test_a_variant_that_is_locked_comes_before_an_open_one_and_an_open_one_says_its_step() -> None:
    model = find("qwen3-0.6b")
    names = [name for name, variant in model.variants.items() if variant.engine == "ollama"]
    assert [model.variants[name].locked for name in names] == [False, True], "the catalog's order"
    choice = choose_engine(model, hardware.find("cpu-8"), 2048, 1, engine="ollama")
    assert choice.variant == names[1]
    assert "lock-models" not in choice.reason
    open_one = choose_engine(model, hardware.find("t4"), 2048, 4, engine="vllm")
    assert open_one.reason.endswith("Its revision is open: run make lock-models MODELS=qwen3-0.6b.")


def test_what_is_against_an_engine_is_what_was_really_so() -> None:
    card = hardware.find("t4")
    reasons = {
        "nothing for vLLM fits on 2 GPUs": choose_engine(find("gemma-3-27b-it"), card, 4096, 4),
        "no variant for ONNX Runtime comes from pypi": choose_engine(
            _without(find(SMOL), "onnx-int4-from-gguf"), hardware.find("cpu-8"), 2048, 4, source_kind="pypi"
        ),
        "nothing for ONNX Runtime fits": choose_engine(
            find("qwen3-14b"), hardware.this_machine(13 * 2**30, 8), 4096, 1
        ),
        "the catalog has no variant for vLLM": choose_engine(
            _without(find("qwen3-8b"), "vllm-bf16", "vllm-fp8", "vllm-awq"), card, 4096, 4
        ),
    }
    for said, choice in reasons.items():
        assert f"Ollama because {said}; " in choice.reason


def _without(model: Model, *names: str) -> Model:
    kept = {name: variant for name, variant in model.variants.items() if name not in names}
    return model.model_copy(update={"variants": kept})


def test_what_was_passed_over_on_fewer_gpus_says_so() -> None:
    choice = choose_engine(find("qwen3-14b"), hardware.find("a100-80"), 40960, 16)
    assert (choice.variant, choice.fit.gpus) == ("vllm-bf16", 2)
    assert "(vllm-bf16 does not fit on 1 GPU: " in choice.reason


def test_no_smaller_load_is_proposed_where_another_variant_takes_the_whole_one() -> None:
    with pytest.raises(KitError) as refused:
        fit_or_refuse(find("qwen3-14b"), "gguf-q8_0", Load(4096, 1), hardware.find("rtx-3060"))
    assert refused.value.next_step.startswith("What fits: gguf-q4_k_m on Ollama here; or it on ")
    assert "tokens here" not in refused.value.next_step


def test_what_is_proposed_comes_from_the_stacks_source_and_names_an_engine_that_differs() -> None:
    model, machine = find("qwen3-14b"), hardware.find("cpu-2")
    with pytest.raises(KitError) as refused:
        fit_or_refuse(model, "onnx-int4", Load(4096, 1), machine, source_kind="pypi")
    assert refused.value.next_step == "Nothing in the catalog does."
    with pytest.raises(KitError) as refused:
        fit_or_refuse(model, "gguf-q4_k_m", Load(4096, 1), hardware.find("cpu-2"), source_kind="hf")
    assert "it on 8 cores, DDR5, 32 GB (gguf-q4_k_m)" in refused.value.next_step
    with pytest.raises(KitError, match="What fits: gguf-q4_k_m on Ollama here; "):
        fit_or_refuse(find("gemma-3-4b-it"), "vllm-bf16", Load(4096, 1), hardware.find("rtx-4060"))
