"""The Ollama recipe: the container it asks for, and options that it refuses."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from components.engines.ollama.modelfile import render
from components.engines.ollama.options import OllamaOptions
from components.workload import Update
from tests.unit.ollama_parts import made, serving


def test_the_workload_is_confined_and_knows_its_limits() -> None:
    what = made(serving())
    command = dict(zip(what.command[::2], what.command[1::2], strict=True))
    assert command["--served-name"] == "smol"
    assert (command["--context-length"], command["--slots"], command["--queue"]) == ("2048", "4", "16")
    assert what.config_files == {"Modelfile": render(serving())}
    assert what.writable == {"/run/ollama": 64}
    assert not what.needs_egress
    assert what.mounts[0].read_only
    assert what.drain_seconds >= float(command["--linger-seconds"]) + float(command["--drain-seconds"]) + 10
    assert what.readiness is not None
    assert what.readiness.command == ("slm-ollama", "probe", "http://127.0.0.1:8000/ready")
    assert (what.resources.gpus, what.update) == (0, Update.START_FIRST)


def test_ollama_is_told_what_the_options_say() -> None:
    assert made(serving()).environment == {
        "OLLAMA_KEEP_ALIVE": "-1",
        "OLLAMA_LOAD_TIMEOUT": "300s",
        "OLLAMA_FLASH_ATTENTION": "1",
        "OLLAMA_KV_CACHE_TYPE": "f16",
    }
    changed = made(
        serving(keepAlive="10m", loadTimeoutSeconds=900, kvCacheType="q8_0", numGpu=12, useMmap=False)
    )
    assert changed.environment["OLLAMA_KEEP_ALIVE"] == "10m"
    assert changed.environment["OLLAMA_KV_CACHE_TYPE"] == "q8_0"
    assert changed.readiness is not None
    assert changed.readiness.start_seconds == 960
    assert "PARAMETER num_gpu 12\n" in changed.config_files["Modelfile"]
    assert "PARAMETER use_mmap false\n" in changed.config_files["Modelfile"]


def test_a_gpu_is_given_up_before_the_next_one_takes_it() -> None:
    what = made(replace(serving(), gpus=1))
    assert (what.resources.gpus, what.update) == (1, Update.STOP_FIRST)


@pytest.mark.parametrize(
    "options",
    [
        {"keepAlive": "0"},
        {"keepAlive": "-1"},
        {"keepAlive": "soon"},
        {"kvCacheType": "q8_0", "flashAttention": False},
        {"kvCacheType": "f32"},
        {"numBatch": 0},
        {"numThread": 0},
        {"loadTimeoutSeconds": 0},
        {"num_ctx": 4096},
    ],
)
def test_options_outside_their_limits_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OllamaOptions.model_validate(options)
