"""A model to serve on vLLM, with settings as a stack's config has them."""

from dataclasses import replace
from typing import Any

import yaml

from catalog.models import Model
from components.engines.contract import Serving
from components.engines.vllm.options import VllmOptions
from components.engines.vllm.recipe import RECIPE
from components.workload import Mount, Workload
from tests.conftest import ROOT

RECORDED = ROOT / "tests/data/vllm"
EVERY: dict[str, Any] = yaml.safe_load((RECORDED / "every-setting.yaml").read_text())["config"][
    "slm-kit:models"
][0]["vllm"]
FILES = ("model.safetensors", "config.json", "chat.jinja", "adapters/sql/adapter_config.json")
ADAPTERS = (*FILES, "adapters/support/adapter_config.json")


def model(
    quantization: str = "bf16", task: str = "chat", weights: int = 16_000_000_000, **changes: Any
) -> Model:
    """Qwen3 8B as the catalog has it, with files that are known."""
    files = [{"name": name, "sha256": "0" * 64, "bytes": 1} for name in ADAPTERS]
    variant = {"engine": "vllm", "format": "safetensors", "bytes": weights, "quantization": quantization}
    facts: dict[str, Any] = {
        "name": "qwen",
        "title": "Qwen",
        "parameters": 8_000_000_000,
        "licence": "Apache-2.0",
        "task": task,
        "embeddingSize": 1024 if task == "embedding" else None,
        "tools": {"vllmParser": "hermes", "facts": "x"},
        "reasoningParser": "qwen3",
        "contextLength": 40960,
        "attention": {"layers": 36, "kvHeads": 8, "headSize": 128},
        "facts": "x",
        "variants": {quantization: {**variant, "source": {"kind": "file", "files": files}}},
        **changes,
    }
    return Model.model_validate(facts)


def options(**settings: Any) -> VllmOptions:
    """Settings by their names in config."""
    return VllmOptions.model_validate(settings, by_name=False, by_alias=True)


def serving(
    *,
    gpus: int = 1,
    task: str = "chat",
    weights: int = 16_000_000_000,
    quantized: str = "bf16",
    name: str = "qwen",
    **settings: Any,
) -> Serving:
    """The model on `gpus` GPUs; `settings` are those of `vllm:`."""
    return Serving(
        name=name,
        model=model(quantized, task, weights),
        variant_name=quantized,
        folder=f"/models/qwen/{quantized}/0123",
        context_length=16384,
        concurrency=16,
        max_queue=16,
        cpus=8,
        memory_mib=65536,
        gpus=gpus,
        vllm=options(**settings),
    )


def on_processors(**settings: Any) -> Serving:
    """The same without a GPU, and smaller."""
    return replace(serving(gpus=0, **settings), context_length=2048, concurrency=4)


def every_setting() -> Serving:
    """The model of every-setting.yaml."""
    return serving(gpus=2, **EVERY)


def rendered(what: Serving) -> Workload:
    """What a platform is given."""
    return RECIPE.workload(what, "image", [Mount(path="/models", volume="models")])


def flags_of(command: tuple[str, ...]) -> dict[str, list[str]]:
    """Flags of a command line with their values."""
    found: dict[str, list[str]] = {}
    values: list[str] = []
    for word in command:
        if word.startswith("--"):
            values = found[word] = []
        else:
            values.append(word)
    return found
