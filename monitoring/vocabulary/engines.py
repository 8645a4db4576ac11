"""What engines say about themselves."""

from monitoring.vocabulary.series import For, Series

_E = ("model", "engine")
SERIES: tuple[Series, ...] = (
    Series(
        "slm:engine_up", _E, "bool", "1 while its metrics can be read and it says that it lives", For.ENGINE
    ),
    Series("slm:engine_running", _E, "short", "requests in its slots", For.ENGINE),
    Series("slm:engine_waiting", _E, "short", "requests that wait inside the engine", For.ENGINE),
    Series("slm:engine_slots", _E, "short", "requests that its replicas answer at once", For.ENGINE),
    Series(
        "slm:engine_first_token_seconds_bucket:rate5m",
        ("model", "engine", "le"),
        "s",
        "arrival at the engine to first token",
        For.ENGINE,
    ),
    Series(
        "slm:inter_token_seconds_bucket:rate5m",
        ("model", "engine", "le"),
        "s",
        "between two tokens of one answer",
        For.ENGINE,
    ),
    Series(
        "slm:kv_cache:ratio",
        _E,
        "percentunit",
        "share of the KV cache in use, in the fullest replica",
        For.KV_CACHE,
    ),
    Series(
        "slm:preemptions:rate5m",
        _E,
        "short",
        "answers thrown out of a full KV cache, to be computed again",
        For.VLLM,
    ),
    Series("slm:engine_start_time_seconds", _E, "dateTimeFromNow", "when the engine was started", For.ENGINE),
    Series("slm:cold_starts:changes1h", _E, "short", "starts of the engine in the last hour", For.ENGINE),
    Series("slm:start_budget_seconds", _E, "s", "how long a start may take", For.ENGINE),
    Series(
        "slm:engine_memory_bytes",
        _E,
        "bytes",
        "memory that the kernel counts against the engine's limit, without inactive page cache; "
        "of the replica that has most",
        For.ONNX_OLLAMA,
    ),
    Series(
        "slm:engine_oom_kills:increase10m",
        _E,
        "short",
        "processes that the kernel killed at the engine's limit; not the first one, with which it ends",
        For.ONNX_OLLAMA,
    ),
    Series("slm:engine_memory_limit_bytes", _E, "bytes", "above it the kernel kills a replica", For.ENGINE),
)
