"""What vLLM cannot serve is refused before anything is created, not by an engine minutes later."""

from collections.abc import Mapping, Sequence

from catalog.errors import KitError
from catalog.quantization import UNQUANTIZED, Quantization
from components.engines.contract import Serving
from components.engines.vllm.flags import kv_cache_mib, tool_call_parser

_READS: Mapping[str, tuple[Quantization, ...]] = {
    "awq": ("awq",),
    "awq_marlin": ("awq",),
    "fp8": ("fp8",),
    "compressed-tensors": ("fp8", "int8", "int4"),
}
"""Variants that a method reads; the other methods quantize while loading."""

_RUNS_ON_PROCESSORS: tuple[Quantization, ...] = (*UNQUANTIZED, "awq", "int8")
"""docs/getting_started/installation/cpu.md of vLLM: AWQ, GPTQ and INT8 W8A8."""

_TAKEN_NAMES = frozenset(
    f"vllm{part}"
    for part in (
        *("", "-dp-master", "-nixl-side-channel", "-p2p-side-channel", "-ec-side-channel"),
        "-mooncake-bootstrap",
    )
)
"""Kubernetes gives every pod an address `<NAME>_PORT` for each Service; vLLM reads these (vllm/envs.py)
as port numbers and ends."""


def check(serving: Serving) -> None:
    """Raises KitError for the first thing that cannot work."""
    if serving.name in _TAKEN_NAMES:
        raise _refusal(
            serving,
            f"name {serving.name!r}",
            "Kubernetes would set a variable of that name that vLLM takes for its own",
            "Choose another `name`, and put the catalog's into `model`.",
        )
    _check_device(serving)
    _check_parallel(serving)
    _check_scheduling(serving)
    _check_quantization(serving)
    _check_requests(serving)
    _check_files(serving)


def _check_device(serving: Serving) -> None:
    options = serving.vllm
    if serving.gpus:
        return
    for name, value in (
        ("gpuMemoryUtilization", options.gpu_memory_utilization),
        ("kvOffloadingGib", options.kv_offloading_gib),
        ("kvCacheDtype", options.kv_cache_dtype if options.kv_cache_dtype.startswith("fp8") else None),
    ):
        if value is not None:
            limit = "it needs a GPU, and this model has none"
            raise _refusal(serving, f"{name} {value}", limit, "Set `gpus`, or remove it.")
    variant = serving.variant
    if variant.quantization not in _RUNS_ON_PROCESSORS:
        raise _refusal(
            serving,
            f"variant {serving.variant_name} ({variant.quantization})",
            f"without a GPU vLLM reads {', '.join(_RUNS_ON_PROCESSORS)}",
            "Set `gpus`, or name another `variant`.",
        )
    size = kv_cache_mib(serving)
    if size is not None and size >= serving.memory_mib:
        raise _refusal(
            serving,
            f"a KV cache of {size} MiB",
            f"the memory limit is {serving.memory_mib} MiB, weights included",
            "Lower contextLength, concurrency or kvCacheMib, or raise memoryMib.",
        )


def _check_parallel(serving: Serving) -> None:
    size, has = serving.vllm.tensor_parallel_size, serving.gpus or 1
    if size is not None and size != has:
        raise _refusal(
            serving,
            f"tensorParallelSize {size}",
            f"it has {serving.gpus} GPU(s), and each holds a part of every layer",
            f"Set it to {has}, or leave it out.",
        )
    heads = serving.model.attention.kv_heads
    if heads % has and has % heads:
        raise _refusal(
            serving,
            f"gpus {has}",
            f"its {heads} KV heads cannot be shared equally by them",
            f"Set gpus to a divisor or a multiple of {heads}.",
        )
    offloading = serving.vllm.kv_offloading_gib
    if offloading is not None and offloading * 1024 >= serving.memory_mib:
        limit = f"the memory limit is {serving.memory_mib} MiB"
        raise _refusal(serving, f"kvOffloadingGib {offloading}", limit, "Raise memoryMib, or lower it.")


def _check_scheduling(serving: Serving) -> None:
    options = serving.vllm
    sequences = options.max_num_seqs or serving.concurrency
    if sequences < serving.concurrency:
        raise _refusal(
            serving,
            f"maxNumSeqs {sequences}",
            f"the gateway lets {serving.concurrency} requests in",
            "Set it to `concurrency` or more, or leave it out.",
        )
    tokens, least = options.max_num_batched_tokens, sequences
    reason = f"a step has up to {sequences} sequences"
    if options.enable_chunked_prefill is False:
        least, reason = serving.context_length, "a prompt is not split without enableChunkedPrefill"
    if tokens is not None and tokens < least:
        raise _refusal(serving, f"maxNumBatchedTokens {tokens}", reason, f"Set it to {least} or more.")
    if tokens is None and least > sequences:
        limit = "needs maxNumBatchedTokens: it bounds the prompt then"
        raise _refusal(serving, "enableChunkedPrefill false", limit, f"Set it to {least} or more.")
    queued = options.max_queued_requests
    if queued is not None and queued < serving.concurrency:
        limit = f"the gateway lets {serving.concurrency} requests in"
        raise _refusal(serving, f"maxQueuedRequests {queued}", limit, "Set it to `concurrency` or more.")


def _check_quantization(serving: Serving) -> None:
    method, has = serving.vllm.quantization, serving.variant.quantization
    reads = UNQUANTIZED if method is None else _READS.get(method, UNQUANTIZED)
    if method is not None and has not in reads:
        raise _refusal(
            serving,
            f"quantization {method!r}",
            f"variant {serving.variant_name} is {has}, and it is for {', '.join(reads)}",
            "Name a `variant` of that kind, or leave it out.",
        )


def _check_requests(serving: Serving) -> None:
    options = serving.vllm
    if serving.model.task == "embedding":
        for name, value in (
            ("toolCallParser", tool_call_parser(serving)),
            ("reasoningParser", options.reasoning_parser),
            ("loraAdapters", options.lora_adapters or None),
        ):
            if value is not None:
                raise _refusal(serving, name, "it is an embedding model", "Remove it.")
    if serving.name in options.lora_adapters:
        limit = "it is the model's own name"
        raise _refusal(serving, f"adapter {serving.name!r}", limit, "Choose another.")


def _check_files(serving: Serving) -> None:
    """Adapters and template against the files of the variant, where these are known already."""
    options, have = serving.vllm, _files(serving)
    if not have:
        return
    for name, folder in options.lora_adapters.items():
        if not any(file.startswith(f"{folder}/") for file in have):
            limit = f"variant {serving.variant_name} has no file in {folder}/"
            step = "List the adapter's files with the variant's, in catalog/models."
            raise _refusal(serving, f"adapter {name!r}", limit, step)
    template = options.chat_template
    if template is not None and template[0] != "/" and template not in have:
        limit = f"variant {serving.variant_name} has no such file"
        raise _refusal(serving, f"chatTemplate {template!r}", limit, "Add it in catalog/models.")


def _files(serving: Serving) -> Sequence[str]:
    source = serving.variant.source
    listed = source.members if source.kind == "pypi" else source.files
    return [file.name for file in listed]


def _refusal(serving: Serving, value: str, limit: str, step: str) -> KitError:
    return KitError(f"{value} of model {serving.name} on vLLM", limit, step)
