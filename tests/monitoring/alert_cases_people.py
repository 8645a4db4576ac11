"""What people feel: promises, engines, the gateway."""

from tests.monitoring.alert_case import BAD, CALM, Case
from tests.monitoring.alert_cases_promises import BURNS

TINY = {"model": "tiny", "engine": "onnx"}
_TINY = '{model="tiny",engine="onnx"}'
_BIG = '{model="big",engine="vllm"}'
_REPLICAS = 'slm:replicas{model="big"}'
_TWO_MINUTES = f"1x{CALM + BAD - 4} 0x2 1x60"


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
        for model in ("tiny", "small-1.5b", "big", "asleep")
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
