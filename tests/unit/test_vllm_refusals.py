"""What vLLM cannot serve is refused before anything exists, with the value, the limit and the next step."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from catalog.errors import KitError
from components.engines.contract import Serving
from tests.unit.vllm_parts import on_processors, options, rendered, serving

ADAPTER: dict[str, Any] = {"loraAdapters": {"sql": "adapters/sql"}, "maxLoraRank": 16}


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (serving(tensorParallelSize=2), r"tensorParallelSize 2.*1 GPU\(s\).*Set it to 1"),
        (serving(tensorParallelSize=1, gpus=2), r"tensorParallelSize 1.*2 GPU\(s\)"),
        (serving(gpus=3), r"gpus 3.*8 KV heads"),
        (on_processors(tensorParallelSize=2), r"tensorParallelSize 2.*0 GPU\(s\)"),
        (on_processors(kvCacheDtype="fp8"), "kvCacheDtype fp8.*needs a GPU"),
        (on_processors(gpuMemoryUtilization=0.5), "gpuMemoryUtilization 0.5.*needs a GPU"),
        (on_processors(kvOffloadingGib=1), "kvOffloadingGib 1.*needs a GPU"),
        (on_processors(kvCacheMib=65536), "KV cache of 65536 MiB.*limit is 65536"),
        (on_processors(quantized="fp8"), r"variant fp8 \(fp8\).*Set `gpus`"),
        (replace(on_processors(), memory_mib=1000), "KV cache of 1170 MiB.*1000 MiB"),
        (serving(kvOffloadingGib=64), "kvOffloadingGib 64.*65536 MiB"),
        (serving(quantization="awq"), "quantization 'awq'.*variant bf16 is bf16.*for awq"),
        (serving(quantization="fp8"), "quantization 'fp8'.*is bf16"),
        (serving(quantized="awq", quantization="fp8_per_tensor"), "is awq, and it is for bf16"),
        (serving(maxNumSeqs=8), "maxNumSeqs 8.*lets 16 requests in"),
        (serving(maxNumBatchedTokens=15), "maxNumBatchedTokens 15.*up to 16 sequences"),
        (serving(enableChunkedPrefill=False), "needs maxNumBatchedTokens.*16384"),
        (serving(enableChunkedPrefill=False, maxNumBatchedTokens=8192), "8192.*not split.*16384"),
        (serving(maxQueuedRequests=8), "maxQueuedRequests 8"),
        (serving(task="embedding"), "toolCallParser.*embedding model"),
        (serving(task="embedding", toolCallParser="none", **ADAPTER), "loraAdapters.*embedding model"),
        (serving(loraAdapters={"qwen": "adapters/sql"}, maxLoraRank=8), "'qwen'.*model's own name"),
        (serving(loraAdapters={"x": "adapters/x"}, maxLoraRank=8), "no file in adapters/x/.*catalog/models"),
        (serving(chatTemplate="other.jinja"), "'other.jinja'.*no such file"),
        (serving(name="vllm"), "name 'vllm'.*Kubernetes.*Choose another"),
        (serving(name="vllm-dp-master"), "name 'vllm-dp-master'"),
    ],
)
def test_what_cannot_work_is_refused(what: Serving, says: str) -> None:
    with pytest.raises(KitError, match=says):
        rendered(what)


@pytest.mark.parametrize(
    "what",
    [
        serving(quantized="awq", quantization="awq_marlin"),
        serving(quantized="fp8", quantization="fp8"),
        serving(quantization="fp8_per_block"),
        serving(enableChunkedPrefill=False, maxNumBatchedTokens=16384),
        serving(chatTemplate="chat.jinja", **ADAPTER),
        serving(gpus=16),
        on_processors(quantized="awq"),
        on_processors(kvCacheMib=2048),
        serving(name="vllm-qwen"),
    ],
)
def test_what_can_work_is_not(what: Serving) -> None:
    assert rendered(what).command


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"loraAdapters": {"sql": "adapters/sql"}}, "need maxLoraRank"),
        ({"maxLoraRank": 16}, "max_lora_rank without loraAdapters"),
        ({"maxLoras": 2}, "without loraAdapters"),
        ({**ADAPTER, "maxLoraRank": 24}, "Input should be 1, 8, 16"),
        ({**ADAPTER, "maxLoras": 4, "maxCpuLoras": 2}, "maxCpuLoras 2 is below maxLoras 4"),
        ({"loraAdapters": {"sql": "../../other"}, "maxLoraRank": 8}, "pattern"),
        ({"loraAdapters": {"a=b": "x"}, "maxLoraRank": 8}, "pattern"),
        ({"chatTemplate": "../x"}, "pattern"),
        ({"toolCallParser": "hermez"}, "no parser 'hermez'; near are hermes"),
        ({"reasoningParser": "qwen"}, "no parser 'qwen'; near are qwen3"),
        ({"gpuMemoryUtilization": 1.0}, "less than or equal to 0.98"),
        ({"kvCacheDtype": "int4"}, "Input should be 'auto'"),
        ({"allowedMediaDomains": ["http://x"]}, "pattern"),
        ({"shutdownTimeoutSeconds": -1}, "greater than or equal to 0"),
        ({"swapSpace": 4}, "Extra inputs"),
        ({"max_num_seqs": 4}, "Extra inputs"),
    ],
)
def test_a_setting_that_vllm_does_not_take_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        options(**settings)
