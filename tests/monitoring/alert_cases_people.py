"""What people feel: promises, engines, the gateway."""

from monitoring.recording.usage import EVERY_SECONDS
from tests.monitoring.alert_case import BAD, CALM, Case, Series

TINY = {"model": "tiny", "engine": "onnx"}
_TINY = '{model="tiny",engine="onnx"}'
_BIG = '{model="big",engine="vllm"}'
_REPLICAS = 'slm:replicas{model="big"}'
_TWO_MINUTES = f"1x{CALM + BAD - 4} 0x2 1x60"


def _down(model: str) -> str:
    return f'ALERTS{{alertname="EngineDown",alertstate="firing",model="{model}"}}'


def _burn(
    alert: str,
    ratio: str,
    promise: tuple[str, float],
    windows: tuple[str, str, str, str],
    model: str = "tiny",
    base: str = "tiny",
) -> Case:
    """The one pace of `windows` (long, short, severity, when the budget is gone) alone is too fast.

    `base` is the model whose engine answers, for an adapter another one.
    """
    long, short, severity, gone = windows
    # The promise of 95 % times the pace is between the two.
    near, bad = {"1h": (0.7, 0.8), "6h": (0.29, 0.4), "1d": (0.14, 0.2), "3d": (0.045, 0.08)}[long]
    promised, promised_value = promise
    # Another model's outage hides nothing.
    still: Series = {f'{promised}{{model="{model}"}}': promised_value, _down("small-1.5b"): 1}
    long_series, short_series = f'{ratio}{long}{{model="{model}"}}', f'{ratio}{short}{{model="{model}"}}'
    # Two a minute, and three an hour; of streamed answers a rate, of which promtool has one sample a minute.
    failed = "of the requests were not answered"
    if "errors" in ratio:
        asked = f'slm:usage_requests:total{{model="{model}",key_id="alice",outcome="ok"}}'
        often, seldom = "0+2x100", "0+0.05x100"
    else:
        asked = f'slm:time_to_first_token_seconds_bucket:rate5m{{model="{model}",le="+Inf"}}'
        often, seldom = f"{2 / EVERY_SECONDS}x100", f"{0.05 / EVERY_SECONDS}x100"
    what = failed if "errors" in ratio else "of the answers began later than promised"
    return Case(
        alert,
        {**still, asked: often, long_series: (near, bad), short_series: (near, bad)},
        {"model": model, "severity": severity, "long_window": long, "short_window": short},
        f"{model}: {bad * 100:g}% {what} in the last {long}; "
        f"at this pace the month's error budget is gone in {gone} or sooner",
        never=(
            {**still, asked: often, long_series: (near, bad), short_series: near},
            {**still, asked: often, long_series: near, short_series: (near, bad)},
            {**still, asked: seldom, long_series: (near, bad), short_series: (near, bad)},
            # What was told as an outage is not told again.
            *(
                [{**still, asked: often, long_series: (near, bad), short_series: (near, bad), _down(base): 1}]
                if severity == "page"
                else []
            ),
        ),
    )


_WINDOWS = (
    ("1h", "5m", "page", "2 days"),
    ("6h", "30m", "page", "5 days"),
    ("1d", "2h", "ticket", "10 days"),
    ("3d", "6h", "ticket", "30 days"),
)
_ANSWERED = ("AvailabilityBudgetBurn", "slm:request_errors:ratio_rate", ("slm:slo_availability:ratio", 0.95))
_SOON = ("FirstTokenBudgetBurn", "slm:slow_first_token:ratio_rate", ("slm:slo_first_token:ratio", 0.95))
BURNS = [
    *(_burn(*promise, windows) for promise in (_ANSWERED, _SOON) for windows in _WINDOWS),
    *(_burn(*_ANSWERED, windows, model="big-sql", base="big") for windows in _WINDOWS[:2]),
]
ENGINES = [
    Case(
        "EngineDown",
        {f"slm:engine_up{_TINY}": (1, 0)},
        {**TINY, "severity": "page"},
        "tiny (onnx) does not answer",
    ),
    Case(
        "EngineDown",
        {'slm:engine_up{model="small-1.5b",engine="ollama"}': (1, 0)},
        {"model": "small-1.5b", "engine": "ollama", "severity": "page"},
        "small-1.5b (ollama) does not answer",
    ),
    Case(
        "EngineDown",
        {f"slm:engine_up{_BIG}": (1, 0)},
        {"model": "big", "engine": "vllm", "severity": "page"},
        "big (vllm) does not answer",
        never=(
            # Its metrics cannot be read while it starts: 25 minutes are within its budget.
            {f"slm:engine_up{_BIG}": f"1x{CALM + BAD - 26} 0x60", _REPLICAS: 0},
            # Nor is anything known of it before its first start.
            {f"slm:engine_up{_BIG}": f"_x{CALM + BAD - 26} 0x60", _REPLICAS: f"_x{CALM + BAD - 26} 0x60"},
        ),
    ),
    Case(
        "EngineDown",
        # It served until two minutes ago: that is no start, whatever a start may take.
        {f"slm:engine_up{_BIG}": _TWO_MINUTES, _REPLICAS: _TWO_MINUTES},
        {"model": "big", "engine": "vllm", "severity": "page"},
        "big (vllm) does not answer",
    ),
    *(
        Case(
            "WakeWithoutReplica",
            {
                f'slm:held_requests:rate5m{{model="{model}"}}': (0.25, 0.25),
                f'slm:replicas{{model="{model}"}}': (1, 0),
            },
            {"model": model, "severity": "page"},
            f"{model}: 0.25 requests a second wait for an engine, "
            "and none became ready in the time that a start may take",
            never=(
                {
                    f'slm:held_requests:rate5m{{model="{model}"}}': 0,
                    f'slm:replicas{{model="{model}"}}': (1, 0),
                },
            ),
        )
        for model in ("tiny", "small-1.5b", "big")
    ),
    Case(
        "EngineStartingTooLong",
        {
            f"slm:engine_start_time_seconds{_TINY}": 0,
            f"slm:start_budget_seconds{_TINY}": 180,
            'slm:replicas{model="tiny"}': (1, 0),
            f"slm:engine_up{_TINY}": 1,
        },
        {**TINY, "severity": "page"},
        "tiny (onnx) was started 54m 0s ago and is not ready",
        never=(
            {
                f"slm:engine_start_time_seconds{_TINY}": (CALM + BAD - 1) * 60 - 170,
                f"slm:start_budget_seconds{_TINY}": 180,
                'slm:replicas{model="tiny"}': 0,
                f"slm:engine_up{_TINY}": 1,
            },
        ),
    ),
    Case(
        "EngineRestarting",
        {f"slm:cold_starts:changes1h{_TINY}": (3, 4)},
        {**TINY, "severity": "page"},
        "tiny (onnx) was started 4 times in the last hour",
    ),
    Case(
        "KvCacheSaturated",
        {f"slm:kv_cache:ratio{_BIG}": 0.98, f"slm:preemptions:rate5m{_BIG}": (0, 0.5)},
        {"model": "big", "engine": "vllm", "severity": "ticket"},
        "big (vllm): 98% of its KV cache is in use",
    ),
    Case(
        "KvCacheSaturated",
        {f"slm:kv_cache:ratio{_TINY}": (0.94, 0.97), f"slm:preemptions:rate5m{_BIG}": 0},
        {**TINY, "severity": "ticket"},
        "tiny (onnx): 97% of its KV cache is in use",
    ),
    Case(
        "EngineMemoryNearLimit",
        {f"slm:engine_memory_bytes{_TINY}": (940, 970), f"slm:engine_memory_limit_bytes{_TINY}": 1000},
        {**TINY, "severity": "ticket"},
        "tiny (onnx) uses 97% of the memory above which the kernel kills it",
    ),
    Case(
        "EndpointDown",
        {'slm:replicas{model="outside-4.1"}': (1, 0), 'slm:replicas{model="outside-4x1"}': 0},
        {"model": "outside-4.1", "severity": "page"},
        "outside-4.1: its endpoint outside of the stack does not answer the gateway",
    ),
]
GATEWAY = [
    Case(
        "GatewayDown",
        {"slm:gateway_up": (1, 0)},
        {"severity": "page"},
        "The gateway does not answer: no model can be reached",
    ),
    Case(
        "GatewayConnectionsNearLimit",
        {"slm:gateway_connections": (230, 250), "slm:gateway_connections_limit": 256},
        {"severity": "page"},
        "97.66% of the connections that the gateway can serve are taken; "
        "further clients wait without an answer",
    ),
    Case(
        "ModelQueueFull",
        {'slm:requests_queued{model="tiny"}': (28, 32), 'slm:queue_limit{model="tiny"}': 32},
        {"model": "tiny", "severity": "page"},
        "tiny: 100% of its queue is taken; further requests are refused with 503",
    ),
]
CASES = [*BURNS, *ENGINES, *GATEWAY]
