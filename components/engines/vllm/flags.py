"""From what is served to the command line of `vllm serve`; every flag is one of vLLM 0.32.0."""

import json
from collections.abc import Iterator, Mapping

from catalog.engines import engines
from components.engines.contract import PORT, Serving
from components.engines.vllm.memory import BATCHED_TOKENS, kv_cache_bytes
from components.engines.vllm.options import NONE

MIB = 1024 * 1024
NO_DOMAIN = "none.invalid"
"""A host that no name server knows (RFC 2606): with it as the one allowed domain nothing is fetched."""


def flags(serving: Serving) -> tuple[str, ...]:
    """Arguments of the image, whose entry point is `vllm serve`. The model comes first."""
    return (
        *(serving.folder, "--served-model-name", serving.name),
        *("--host", "0.0.0.0", "--port", str(PORT)),
        *("--runner", "pooling" if serving.model.task == "embedding" else "generate"),
        *("--max-model-len", str(serving.context_length)),
        # Answered each second by the probes; and there is nobody to read the pages.
        *("--disable-access-log-for-endpoints", "/health,/metrics"),
        "--disable-fastapi-docs",
        *("--shutdown-timeout", str(shutdown_timeout(serving))),
        *_memory(serving),
        *_scheduling(serving),
        *_weights(serving),
        *_requests(serving),
        *_adapters(serving),
    )


def shutdown_timeout(serving: Serving) -> int:
    """Seconds that answers under way may take after the stop signal."""
    wanted = serving.vllm.shutdown_timeout_seconds
    return serving.drain_seconds if wanted is None else wanted


def tool_call_parser(serving: Serving) -> str | None:
    """The parser of tool calls, asked for or the catalog's; None switches tool calls off."""
    tools = serving.model.tools
    return _parser(serving.vllm.tool_call_parser, tools.vllm_parser if tools else None)


def kv_cache_mib(serving: Serving) -> int | None:
    """MiB of the KV cache: asked for, or on processors what the full contexts take."""
    options = serving.vllm
    if options.kv_cache_mib is not None or serving.gpus:
        return options.kv_cache_mib
    needed = kv_cache_bytes(
        serving.model.attention,
        serving.context_length,
        serving.concurrency,
        element_bytes=4 if options.dtype == "float32" else 2,
        batched_tokens=options.max_num_batched_tokens or BATCHED_TOKENS,
    )
    return -(-needed // MIB)


def _memory(serving: Serving) -> Iterator[str]:
    options, kv_cache = serving.vllm, kv_cache_mib(serving)
    if serving.gpus:
        yield from (
            "--gpu-memory-utilization",
            str(options.gpu_memory_utilization or engines()["vllm"].gpu_share),
        )
    if kv_cache is not None:
        yield from ("--kv-cache-memory-bytes", str(kv_cache * MIB))
    yield from ("--kv-cache-dtype", options.kv_cache_dtype)
    yield from _given("--kv-offloading-size", options.kv_offloading_gib)


def _scheduling(serving: Serving) -> Iterator[str]:
    options = serving.vllm
    yield from ("--max-num-seqs", str(options.max_num_seqs or serving.concurrency))
    yield from _given("--max-num-batched-tokens", options.max_num_batched_tokens)
    yield from _given("--max-num-queued-reqs", options.max_queued_requests)
    yield from _switch("prefix-caching", options.enable_prefix_caching)
    yield from _switch("chunked-prefill", options.enable_chunked_prefill)
    if options.enforce_eager:
        yield "--enforce-eager"


def _weights(serving: Serving) -> Iterator[str]:
    options = serving.vllm
    yield from ("--tensor-parallel-size", str(options.tensor_parallel_size or serving.gpus or 1))
    yield from ("--dtype", options.dtype)
    yield from _given("--quantization", options.quantization)


def _requests(serving: Serving) -> Iterator[str]:
    options = serving.vllm
    tool_calls = tool_call_parser(serving)
    if tool_calls is not None:
        yield from ("--enable-auto-tool-choice", "--tool-call-parser", tool_calls)
    yield from _given("--reasoning-parser", _parser(options.reasoning_parser, serving.model.reasoning_parser))
    yield from ("--structured-outputs-config", _json({"backend": options.structured_outputs_backend}))
    if options.chat_template is not None:
        # A path with a leading / stays as it is; another is the variant's.
        template = options.chat_template
        yield from ("--chat-template", template if template[0] == "/" else f"{serving.folder}/{template}")
    if options.default_chat_template_kwargs:
        yield from ("--default-chat-template-kwargs", _json(options.default_chat_template_kwargs))
    if options.force_include_usage:
        yield "--enable-force-include-usage"
    yield from ("--allowed-media-domains", *(options.allowed_media_domains or (NO_DOMAIN,)))


def _adapters(serving: Serving) -> Iterator[str]:
    options = serving.vllm
    if not options.lora_adapters:
        return
    yield "--enable-lora"
    yield from ("--max-lora-rank", str(options.max_lora_rank))
    yield from ("--max-loras", str(options.loras_at_once))
    yield from _given("--max-cpu-loras", options.max_cpu_loras)
    yield "--lora-modules"
    for name, folder in sorted(options.lora_adapters.items()):
        yield f"{name}={serving.folder}/{folder}"


def _parser(wanted: str | None, known: str | None) -> str | None:
    found = known if wanted is None else wanted
    return None if found == NONE else found


def _given(flag: str, value: object | None) -> tuple[str, ...]:
    return () if value is None else (flag, str(value))


def _switch(name: str, on: bool | None) -> tuple[str, ...]:
    if on is None:
        return ()
    return (f"--enable-{name}" if on else f"--no-enable-{name}",)


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(dict(value), sort_keys=True, separators=(",", ":"))
