"""Settings that only vLLM has. Meanings and limits are those of vLLM 0.32.0: its `vllm/config/*.py` and
`vllm/entrypoints/launchers/cli_args.py`, which the comments below name where a number is from there."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, Field, model_validator

from catalog.models import Row

NONE = "none"
"""As a parser: none, also where the catalog names one for the model."""

_PARSERS = yaml.safe_load(Path(__file__).with_name("parsers.yaml").read_text())


def _known(kind: str) -> AfterValidator:
    def check(value: str) -> str:
        if value != NONE and value not in _PARSERS[kind]:
            near = difflib.get_close_matches(value, _PARSERS[kind], n=3) or _PARSERS[kind]
            raise ValueError(f"vLLM 0.32.0 has no parser {value!r}; near are {', '.join(near)}")
        return value

    return AfterValidator(check)


# Inside the folder of the variant: no way out of it.
FolderPath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$")]
ImagePath = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$")]
AdapterName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$")]
Domain = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]


class VllmOptions(Row):
    """`vllm:` of a model in the stack's config."""

    # Memory
    gpu_memory_utilization: Annotated[float, Field(ge=0.1, le=0.98)] | None = None
    """Share of each GPU's memory that vLLM may take, for weights, activations and KV cache together.
    Default: 0.9 (catalog/engines.yaml; vLLM's own is 0.92). For GPUs only: on processors the KV cache has a
    size, `kvCacheMib`."""
    kv_cache_mib: Annotated[int, Field(ge=64)] | None = None
    """KV cache, MiB on each GPU or in main memory. Default: on GPUs what gpuMemoryUtilization leaves; on
    processors what `concurrency` full contexts take. vLLM itself would take 92 % of the whole machine there,
    whatever the container's limit is (vllm/v1/worker/cpu_worker.py)."""
    kv_cache_dtype: Literal["auto", "bfloat16", "float16", "fp8", "fp8_e4m3", "fp8_e5m2"] = "auto"
    """Type of the KV cache; auto is that of the model. fp8 halves it: GPUs from Ada and Hopper on."""
    kv_offloading_gib: Annotated[float, Field(gt=0, le=2048)] | None = None
    """Main memory for KV blocks that the GPUs drop, GiB over all of them. It is part of `memoryMib`.
    Default: none are kept. (There is no swap space in 0.32.)"""
    shared_memory_mib: Annotated[int, Field(ge=64, le=65536)] | None = None
    """/dev/shm, MiB. Default: 1024, with more than one GPU 2048 (NCCL and the workers' message queues)."""

    # Scheduling
    max_num_seqs: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Sequences in one step. Default: `concurrency`, which the gateway lets in. More is for requests with
    n above 1 or with many prompts."""
    max_num_batched_tokens: Annotated[int, Field(ge=1, le=1_048_576)] | None = None
    """Tokens in one step, prompts and answers. More serves prompts sooner and makes gaps between tokens
    longer. Default: vLLM's own, by device (2048 on processors). At least `maxNumSeqs`."""
    max_queued_requests: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Sequences that may wait or run in the engine; what is above gets 503. Default: no bound, since the
    gateway queues and one request may hold many prompts."""
    max_n_sequences: Annotated[int, Field(ge=1, le=16384)] = 64
    """Largest `n` of a request; vLLM's own is 16,384, which one client can fill a GPU with."""
    enable_prefix_caching: bool | None = None
    """Keep the KV blocks of prompt beginnings for the next request that starts so. Default: vLLM's own, on
    for every model that generates text."""
    enable_chunked_prefill: bool | None = None
    """Split long prompts over steps, so that others go on. Off, maxNumBatchedTokens bounds the prompt.
    Default: vLLM's own, on for every model that generates text."""
    enforce_eager: bool = False
    """No CUDA graphs and no compilation: starts sooner, answers more slowly."""

    # Weights
    tensor_parallel_size: Annotated[int, Field(ge=1, le=16)] | None = None
    """GPUs that share each layer. Default and only value that works: `gpus` (1 on processors)."""
    quantization: (
        Literal[
            "awq", "awq_marlin", "fp8", "compressed-tensors",
            "fp8_per_tensor", "fp8_per_block", "fp8_per_channel", "int8_per_channel_weight_only",
        ] | None
    ) = None  # fmt: skip
    """How the weights are read: the first four name what the variant already is, the others quantize an
    unquantized variant while it is loaded. Default: what the variant's config.json says."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """Type of weights and activations; auto is the model's, and float16 for a float32 model."""

    # Requests
    tool_call_parser: Annotated[str, _known("toolCall")] | None = None
    """Parser of the model's tool calls; with it comes automatic tool choice. Default: the catalog's for the
    model (`tools.vllmParser`); none switches tool calls off."""
    reasoning_parser: Annotated[str, _known("reasoning")] | None = None
    """Parser that takes the model's thoughts out of its answer, into `reasoning`. Default: the catalog's
    for the model; none leaves them in the answer."""
    structured_outputs_backend: Literal[
        "auto", "xgrammar", "guidance", "outlines", "lm-format-enforcer"
    ] = "auto"  # fmt: skip
    """What holds an answer to a JSON schema, grammar or regular expression; auto chooses by request."""
    chat_template: FolderPath | ImagePath | None = None
    """Chat template: a file of the variant's folder, or with a leading / one of the image (vLLM's examples
    are under /vllm-workspace/examples). Default: the model's own. Clients cannot send one."""
    default_chat_template_kwargs: Mapping[str, bool | int | float | str] = {}
    """What the template gets where the request says nothing, e.g. {enable_thinking: false} for Qwen3."""
    force_include_usage: bool = True
    """End every stream with a usage chunk, asked for or not: usage by key counts every token. Its `choices`
    are empty, which some clients do not expect; without it a stream counts one token an event, and none of
    its prompt."""
    allowed_media_domains: tuple[Domain, ...] = ()
    """Hosts that images and audio may be fetched from; the engine gets a way out for them. Default: none,
    only data: URLs. Without this flag vLLM fetches any URL, those of the stack's own parts too. Redirects
    are never followed."""

    # LoRA
    lora_adapters: Mapping[AdapterName, FolderPath] = {}
    """Adapters by the name clients ask for, each a folder within the variant's (its files are listed in
    the catalog, with the variant's)."""
    max_lora_rank: Literal[1, 8, 16, 32, 64, 128, 256, 320, 512] | None = None
    """Highest rank of an adapter; must be set with adapters. Memory grows with it (config/lora.py)."""
    max_loras: Annotated[int, Field(ge=1, le=128)] | None = None
    """Adapters in one step. Default: as many as there are."""
    max_cpu_loras: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Adapters kept in main memory, at least maxLoras. Default: maxLoras."""

    # Life
    shutdown_timeout_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    """From the stop signal on, how long answers under way may take; 0 cuts them off. Default: 60, the
    engine's drain."""
    start_seconds: Annotated[int, Field(ge=60, le=7200)] | None = None
    """Start-up budget. Default: 600, and a second for each 50 MB of weights, at most 1800."""

    @model_validator(mode="after")
    def _adapters_are_complete(self) -> "VllmOptions":
        if self.lora_adapters and self.max_lora_rank is None:
            raise ValueError("loraAdapters need maxLoraRank: the highest `r` of their adapter_config.json")
        for name in ("max_lora_rank", "max_loras", "max_cpu_loras"):
            if getattr(self, name) is not None and not self.lora_adapters:
                raise ValueError(f"{name} without loraAdapters")
        if self.max_cpu_loras is not None and self.max_cpu_loras < self.loras_at_once:
            raise ValueError(f"maxCpuLoras {self.max_cpu_loras} is below maxLoras {self.loras_at_once}")
        return self

    @property
    def loras_at_once(self) -> int:
        """Adapters in one step."""
        return self.max_loras or len(self.lora_adapters)
