"""The one set of series that dashboards, alerts and scaling may use, whatever engine is behind.

Recording rules (monitoring/recording/) make them; those are the one place that knows an engine's names.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from monitoring.watched import Watched

BURN_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")


class For(StrEnum):
    """What must be in a stack for a series to exist."""

    MODEL = "every model"
    ENGINE = "every engine of the stack"
    KV_CACHE = "engines that tell how full their KV cache is"
    VLLM = "vLLM"
    ONNX_OLLAMA = "ONNX and Ollama"
    PRICE = "models with a price"
    EXPIRY = "keys that expire"
    CERTIFICATE = "stacks with certificates"
    GPU = "stacks with a GPU"
    STACK = "every stack"


@dataclass(frozen=True)
class Series:
    """One recorded series."""

    name: str
    labels: tuple[str, ...]
    unit: str
    """Grafana's unit id."""
    meaning: str
    exists_for: For = For.MODEL

    def exists_in(self, watched: Watched) -> bool:
        """Whether a stack records it."""
        names = {model.engine_name for model in watched.engines}
        return {
            For.MODEL: bool(watched.models),
            For.ENGINE: bool(watched.engines),
            For.KV_CACHE: bool(names & {"onnx", "vllm"}),
            For.VLLM: "vllm" in names,
            For.ONNX_OLLAMA: bool(names & {"onnx", "ollama"}),
            For.PRICE: any(model.price for model in watched.models),
            For.EXPIRY: any(key.expires for key in watched.keys),
            For.CERTIFICATE: bool(watched.certificates),
            For.GPU: watched.gpus > 0,
            For.STACK: True,
        }[self.exists_for]


_M, _E = ("model",), ("model", "engine")
SERIES: tuple[Series, ...] = (
    # From the gateway: the same for every engine and for endpoints outside.
    Series(
        "slm:requests:rate5m", ("model", "outcome"), "reqps", "requests by outcome (monitoring/outcomes.py)"
    ),
    Series(
        "slm:time_to_first_token_seconds_bucket:rate5m",
        ("model", "le"),
        "s",
        "arrival at the gateway to first byte of the answer",
    ),
    Series("slm:request_seconds_bucket:rate5m", ("model", "le"), "s", "arrival at the gateway to last byte"),
    Series("slm:prompt_tokens:rate5m", _M, "short", "tokens read a second"),
    Series("slm:completion_tokens:rate5m", _M, "short", "tokens written a second"),
    Series("slm:requests_queued", _M, "short", "requests that wait at the gateway"),
    Series("slm:requests_running", _M, "short", "requests that the gateway has handed on"),
    Series(
        "slm:demand",
        _M,
        "short",
        "requests at the gateway for a model, waiting ones and held ones too; what scaling looks at",
    ),
    Series("slm:queue_limit", _M, "short", "requests that may wait at the gateway"),
    Series("slm:replicas", _M, "short", "engines that the gateway can hand requests to"),
    Series(
        "slm:served:rate5m", ("model", "served_by"), "reqps", "answers by who gave them: it, or its fallback"
    ),
    Series("slm:held_requests:rate5m", _M, "reqps", "requests that waited for a model without a replica"),
    *(
        series
        for window in BURN_WINDOWS
        for series in (
            Series(
                f"slm:request_errors:ratio_rate{window}",
                _M,
                "percentunit",
                "share of requests that were not answered; 0 where there were none",
            ),
            Series(
                f"slm:slow_first_token:ratio_rate{window}",
                _M,
                "percentunit",
                "share of answers whose first token came later than promised; 0 where there were none",
            ),
        )
    ),
    Series("slm:slo_availability:ratio", _M, "percentunit", "promised share of answered requests"),
    Series(
        "slm:slo_first_token:ratio", _M, "percentunit", "promised share of answers with a first token in time"
    ),
    Series("slm:slo_first_token_seconds", _M, "s", "promised time to first token"),
    # From engines.
    Series(
        "slm:engine_up", _E, "bool", "1 while its metrics can be read and it says that it lives", For.ENGINE
    ),
    Series("slm:engine_running", _E, "short", "requests in its slots", For.ENGINE),
    Series("slm:engine_waiting", _E, "short", "requests that wait inside the engine", For.ENGINE),
    Series("slm:engine_slots", _E, "short", "requests that it answers at once", For.ENGINE),
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
    Series("slm:kv_cache:ratio", _E, "percentunit", "share of the KV cache in use", For.KV_CACHE),
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
        "memory that the kernel counts against the engine's limit, without inactive page cache",
        For.ONNX_OLLAMA,
    ),
    Series(
        "slm:engine_oom_kills:increase10m",
        _E,
        "short",
        "processes that the kernel killed at the engine's limit; not the first one, with which it ends",
        For.ONNX_OLLAMA,
    ),
    Series("slm:engine_memory_limit_bytes", _E, "bytes", "above it the kernel kills the engine", For.ENGINE),
    # Usage, by key id. Counters: ask for increase() over the time of interest.
    Series(
        "slm:usage_requests:total", ("key_id", "model", "outcome"), "short", "requests since counting began"
    ),
    Series("slm:usage_prompt_tokens:total", ("key_id", "model"), "short", "tokens read since counting began"),
    Series(
        "slm:usage_completion_tokens:total",
        ("key_id", "model"),
        "short",
        "tokens written since counting began",
    ),
    Series(
        "slm:usage_seconds:total", ("key_id", "model"), "s", "time that requests took since counting began"
    ),
    Series("slm:usage_usd:total", ("key_id", "model"), "currencyUSD", "what those tokens cost", For.PRICE),
    Series("slm:price_usd_per_million_completion_tokens", _M, "currencyUSD", "", For.PRICE),
    Series(
        "slm:key_expiry_timestamp_seconds",
        ("key_id",),
        "dateTimeFromNow",
        "when the gateway stops to take the key",
        For.EXPIRY,
    ),
    Series(
        "slm:certificate_expiry_timestamp_seconds",
        ("certificate",),
        "dateTimeFromNow",
        "when the certificate stops to be valid",
        For.CERTIFICATE,
    ),
    # Gateway, machine, monitoring itself.
    Series("slm:gateway_up", (), "bool", "1 while the gateway's metrics can be read", For.STACK),
    Series("slm:gateway_connections", (), "short", "clients connected", For.STACK),
    Series("slm:gateway_connections_limit", (), "short", "clients that can be", For.STACK),
    Series(
        "slm:gateway_refusals:rate5m",
        ("error",),
        "reqps",
        "requests refused by the gateway, by error code",
        For.STACK,
    ),
    Series("slm:host_cpu:ratio", (), "percentunit", "share of the machine's processors in use", For.STACK),
    Series("slm:host_memory:ratio", (), "percentunit", "share of the machine's memory in use", For.STACK),
    Series(
        "slm:disk_used:ratio",
        ("volume",),
        "percentunit",
        "share of the file system under a volume in use: models, prometheus, loki",
        For.STACK,
    ),
    Series("slm:disk_free_bytes", ("volume",), "bytes", "free there", For.STACK),
    Series(
        "slm:oom_kills:increase10m",
        (),
        "short",
        "processes that the machine's kernel killed for memory",
        For.STACK,
    ),
    Series("slm:clock_error_seconds", (), "s", "how far the machine's clock may be off", For.STACK),
    Series("slm:scrape_up", ("job", "instance"), "bool", "1 where metrics can be read", For.STACK),
    Series("slm:rule_failures:increase5m", (), "short", "rules that could not be evaluated", For.STACK),
    Series("slm:notification_failures:increase5m", (), "short", "alerts that no receiver took", For.STACK),
    Series(
        "slm:log_failures:increase5m",
        (),
        "short",
        "log records that the collector could not hand on",
        For.STACK,
    ),
    Series(
        "slm:gpu_utilization:ratio",
        ("gpu", "gpu_model"),
        "percentunit",
        "share of time in which a kernel ran",
        For.GPU,
    ),
    Series(
        "slm:gpu_memory:ratio", ("gpu", "gpu_model"), "percentunit", "share of its memory in use", For.GPU
    ),
    Series("slm:gpu_temperature_celsius", ("gpu", "gpu_model"), "celsius", "", For.GPU),
    Series("slm:gpu_power_watts", ("gpu", "gpu_model"), "watt", "", For.GPU),
    Series(
        "slm:gpu_xid",
        ("gpu", "gpu_model"),
        "short",
        "last error that the driver reported (XID), 0 for none",
        For.GPU,
    ),
    Series(
        "slm:gpu_throttle_reasons",
        ("gpu", "gpu_model"),
        "short",
        "bit field of why its clock is held down (NVML clocks event reasons)",
        For.GPU,
    ),
)


def series_of(watched: Watched) -> Iterator[Series]:
    """The series that a stack records."""
    return (series for series in SERIES if series.exists_in(watched))
