"""The command line of vLLM, checked against the flags of a real 0.32.0."""

import json

import pytest
import yaml

from catalog.models import load
from components.engines.vllm.options import VllmOptions
from components.engines.vllm.recipe import served_names
from tests.conftest import ROOT
from tests.unit.vllm_parts import (
    EVERY,
    RECORDED,
    every_setting,
    flags_of,
    on_processors,
    options,
    rendered,
    serving,
)

# Flags of vLLM that are switched off by a twin that the recorded list does not hold.
BOOLEAN = {"--enable-prefix-caching", "--enable-chunked-prefill"}
KNOWN = frozenset((RECORDED / "flags.txt").read_text().split())


def unknown_flags(command: tuple[str, ...]) -> set[str]:
    """Flags of a command line that vLLM 0.32.0 does not have."""
    twins = {flag.replace("--", "--no-", 1) for flag in BOOLEAN & KNOWN}
    return {word for word in command if word.startswith("--")} - KNOWN - twins


def test_every_flag_of_a_service_with_every_setting_is_one_of_vllms() -> None:
    command = rendered(every_setting()).command
    assert len(flags_of(command)) > 30
    assert unknown_flags(command) == set()


def test_every_flag_is_one_of_vllms_without_settings_and_on_processors() -> None:
    for each in (serving(), on_processors()):
        assert unknown_flags(rendered(each).command) == set()


@pytest.mark.parametrize("bad", ["--swap-space", "--enable-prefix-cache", "--no-enable-lora", "--no-port"])
def test_a_renamed_flag_would_be_found(bad: str) -> None:
    assert unknown_flags((*rendered(every_setting()).command, bad)) == {bad}


def test_the_example_uses_every_setting() -> None:
    assert set(EVERY) == {field.alias for field in VllmOptions.model_fields.values()}


# tensorParallelSize has one value that works, which is its default.
@pytest.mark.parametrize("name", sorted(set(EVERY) - {"tensorParallelSize"}))
def test_every_setting_reaches_the_engine(name: str) -> None:
    less = {key: value for key, value in EVERY.items() if key != name}
    if name == "loraAdapters":
        less = {key: value for key, value in less.items() if "Lora" not in key}
    # Without these two another setting of the example would not be possible.
    if name == "maxLoraRank":
        less[name] = 64
    if name == "maxNumBatchedTokens":
        less[name] = 20_000
    assert rendered(serving(**less, gpus=2)) != rendered(every_setting())


def test_settings_become_the_values_of_their_flags() -> None:
    flags = flags_of(rendered(every_setting()).command)
    assert flags["--gpu-memory-utilization"] == ["0.85"]
    assert flags["--kv-cache-memory-bytes"] == [str(8192 * 1024 * 1024)]
    assert flags["--tensor-parallel-size"] == ["2"]
    assert flags["--quantization"] == ["fp8_per_tensor"]
    assert json.loads(flags["--structured-outputs-config"][0]) == {"backend": "xgrammar"}
    assert json.loads(flags["--default-chat-template-kwargs"][0]) == {"enable_thinking": False}
    folder = every_setting().folder
    assert flags["--lora-modules"] == [f"sql={folder}/adapters/sql", f"support={folder}/adapters/support"]
    assert flags["--allowed-media-domains"] == ["images.example.org"]
    assert "--no-enable-chunked-prefill" in flags
    assert served_names(every_setting()) == ("qwen", "sql", "support")


def test_what_is_not_set_is_the_models_or_the_stacks() -> None:
    made = rendered(serving())
    assert made.command[:3] == ("/models/qwen/bf16/0123", "--served-model-name", "qwen")
    flags = flags_of(made.command)
    assert flags["--tool-call-parser"] == ["hermes"]
    assert "--enable-auto-tool-choice" in flags
    assert flags["--reasoning-parser"] == ["qwen3"]
    assert (flags["--max-num-seqs"], flags["--max-model-len"]) == (["16"], ["16384"])
    assert flags["--shutdown-timeout"] == ["60"]
    assert flags["--runner"] == ["generate"]
    assert not {"--quantization", "--enable-lora", "--kv-cache-memory-bytes", "--chat-template"} & set(flags)


def test_none_switches_the_models_parsers_off() -> None:
    flags = flags_of(rendered(serving(toolCallParser="none", reasoningParser="none")).command)
    assert not {"--tool-call-parser", "--enable-auto-tool-choice", "--reasoning-parser"} & set(flags)


def test_an_embedding_model_is_pooled() -> None:
    flags = flags_of(rendered(serving(task="embedding", toolCallParser="none")).command)
    assert flags["--runner"] == ["pooling"]


def test_the_parsers_that_the_catalog_names_are_vllms() -> None:
    named = [model for model in load().values() if model.tools or model.reasoning_parser]
    assert named
    for model in named:
        options(toolCallParser=model.tools.vllm_parser if model.tools else None)
        options(reasoningParser=model.reasoning_parser)


def test_the_image_is_the_version_that_was_recorded() -> None:
    images = yaml.safe_load((ROOT / "catalog/images.yaml").read_text())
    tags = {name: images[name]["upstream"].rpartition(":")[2] for name in ("vllm", "vllm-cpu")}
    assert tags == {"vllm": "v0.32.0-cu129", "vllm-cpu": "v0.32.0"}
