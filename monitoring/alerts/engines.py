"""Engines: not there, not getting there, or about to be killed."""

from monitoring.alerts.making import Dashboard, Severity, alert, any_of, where
from monitoring.rules import Alert, Group
from monitoring.vocabulary import SERIES
from monitoring.watched import Watched, WatchedEngine, WatchedModel

DOWN_SECONDS = 60
"""Longer than an engine takes to be replaced by `make up`."""
SILENT_WHILE_LOADING = ("vllm",)
"""Engines whose metrics can be read only once the model is loaded: down is what they are while they start.
On a cluster every engine is: its name leads to it once it is ready."""
SERVED_SLACK_SECONDS = 600
"""Beyond the budget of a start: an engine whose last replica was there in this time served lately."""
WAKE_SLACK_SECONDS = 60
"""Beyond the budget of a start: to notice the demand, and to find the replica."""
SLEEP_SLACK_SECONDS = 60
"""Beyond that, for one that slept: until the autoscaler makes a replica (components/autoscaler.py)."""
MOST_STARTS = 4
"""In an hour. One is the first, one an update, one more an update taken back or an outage that was mended."""
NEAR_LIMIT = 0.95
KV_CACHE_FULL = 0.95

_MODEL = "{{ $labels.model }} ({{ $labels.engine }})"


def groups(watched: Watched) -> list[Group]:
    """For the engines of the stack, and for endpoints outside."""
    rules = [rule for model in watched.engines for rule in _of_one(watched, model)]
    if watched.engines:
        rules += [_starting_too_long(), _restarting(watched)]
    rules += [*_kv_cache(watched), *_memory(watched)]
    if watched.uses("external"):
        rules.append(_endpoint_down(watched))
    return [Group("alerts-engines", rules)]


def _has(watched: Watched, name: str) -> bool:
    return any(series.name == name and series.exists_in(watched) for series in SERIES)


def _of_one(watched: Watched, model: WatchedModel) -> list[Alert]:
    """Alerts that wait for as long as this engine may take to start."""
    engine = model.engine
    assert engine is not None, "models of Watched.engines have one"
    only, name = f'{{model="{model.name}"}}', {"model": model.name}
    slack = WAKE_SLACK_SECONDS + (SLEEP_SLACK_SECONDS if model.may_sleep else 0)
    # A pool of nodes with GPUs may be empty while nobody needs one, and a new node has no image.
    slack += engine.arrival_seconds if engine.gpus else 0
    rules = [
        alert(
            "EngineDown",
            _down(engine, only, silent=model.address is not None or engine.name in SILENT_WHILE_LOADING),
            Severity.PAGE,
            Dashboard.MODEL,
            for_=f"{DOWN_SECONDS}s",
            labels=name,
            summary=f"{_MODEL} does not answer",
            first=_why_down(watched, model),
        ),
        alert(
            "WakeWithoutReplica",
            f"slm:held_requests:rate5m{only} > 0 and on (model) slm:replicas{only} == 0",
            Severity.PAGE,
            Dashboard.MODEL,
            for_=f"{engine.start_budget_seconds + slack}s",
            labels=name,
            summary='{{ $labels.model }}: {{ $value | printf "%.2f" }} requests a second wait for an engine, '
            "and none became ready in the time that a start may take",
            first=_why_no_replica(watched, model),
        ),
    ]
    # Nobody misses what sleeps; when somebody does, the last one tells.
    return rules[-1:] if model.may_sleep else rules


def _down(engine: WatchedEngine, only: str, *, silent: bool) -> str:
    """One that is silent while it loads is down if it served lately, or was silent for its whole budget, and
    on a cluster for as long as its pod may need until it begins."""
    down = f"slm:engine_up{only} == 0"
    if not silent:
        return down
    budget = engine.start_budget_seconds + engine.arrival_seconds
    # Longer than the silence below, so that one outage is one alert without a gap between the two.
    served = f"max_over_time(slm:replicas{only}[{budget + SERVED_SLACK_SECONDS}s]) > 0"
    never_up = f"max_over_time(slm:engine_up{only}[{budget}s]) == 0"
    known = f"slm:engine_up{only} offset {budget}s"
    return f"{down} and on (model) ({served} or on (model) ({never_up} and on (model) {known}))"


def _starting_too_long() -> Alert:
    age = "time() - slm:engine_start_time_seconds"
    return alert(
        "EngineStartingTooLong",
        f"({age} > on (model, engine) slm:start_budget_seconds) "
        "and on (model) slm:replicas == 0 and on (model, engine) slm:engine_up == 1",
        Severity.PAGE,
        Dashboard.MODEL,
        # Not ready for a moment is no start.
        for_="2m",
        summary=f"{_MODEL} was started {{{{ $value | humanizeDuration }}}} ago and is not ready",
        first="Run `make logs`: an engine says what it loads, and how far it is.",
    )


def _pods(model: WatchedModel) -> str:
    """Selects the pods of its engine: they have the name that is first in its address as a label."""
    return f" -l slm-kit.workload={str(model.address).partition('.')[0]}"


def _why_down(watched: Watched, model: WatchedModel) -> str:
    return where(
        watched,
        "Run `make logs`: its last lines say why it ended, its status whether it starts again.",
        f"Run `KUBECTL get pods{_pods(model)}`: the status says whether it starts again; "
        f"`KUBECTL logs --previous{_pods(model)}`: the last lines say why it ended.",
    )


def _why_no_replica(watched: Watched, model: WatchedModel) -> str:
    return where(
        watched,
        "Look whether its container exists and what it says: `make logs`.",
        f"Run `KUBECTL describe pods{_pods(model)}`: is there one, and what does it wait for? Without any: "
        "`KUBECTL get scaledobject,hpa`.",
    )


def _restarting(watched: Watched) -> Alert:
    return alert(
        "EngineRestarting",
        f"slm:cold_starts:changes1h >= {MOST_STARTS}",
        Severity.PAGE,
        Dashboard.MODEL,
        summary=f"{_MODEL} was started {{{{ $value | humanize }}}} times in the last hour",
        first=where(
            watched,
            "Run `make logs`: the last lines before each start say why it ended. Look for OomKill too.",
            "Run `KUBECTL get pods`, and of a pod with restarts `KUBECTL logs --previous POD`: its last "
            "lines say why it ended; `KUBECTL describe pod POD`: OOMKilled was for memory.",
        ),
    )


def _kv_cache(watched: Watched) -> list[Alert]:
    """A full cache alone is good use of it where the engine tells that it threw out no answer."""
    if not _has(watched, "slm:kv_cache:ratio"):
        return []
    full, preempted = f"slm:kv_cache:ratio > {KV_CACHE_FULL}", "slm:preemptions:rate5m"
    expr = full
    if _has(watched, preempted):
        expr = f"{full} unless on (model, engine) {preempted} == 0"
    return [
        alert(
            "KvCacheSaturated",
            expr,
            Severity.TICKET,
            Dashboard.MODEL,
            for_="10m",
            summary=f"{_MODEL}: {{{{ $value | humanizePercentage }}}} of its KV cache is in use",
            first="Compare the lengths of prompts with contextLength, and requests at once with concurrency.",
        )
    ]


def _memory(watched: Watched) -> list[Alert]:
    if not _has(watched, "slm:engine_memory_bytes"):
        return []
    used = "slm:engine_memory_bytes / on (model, engine) slm:engine_memory_limit_bytes"
    return [
        alert(
            "EngineMemoryNearLimit",
            f"{used} > {NEAR_LIMIT}",
            Severity.TICKET,
            Dashboard.HARDWARE,
            for_="10m",
            summary=f"{_MODEL} uses {{{{ $value | humanizePercentage }}}} of the memory "
            "above which the kernel kills it",
            first="Give it more memory (memoryMib), or fewer requests at once (concurrency).",
        )
    ]


def _endpoint_down(watched: Watched) -> Alert:
    names = any_of(model.name for model in watched.models if model.engine is None)
    return alert(
        "EndpointDown",
        f'slm:replicas{{model=~"{names}"}} == 0',
        Severity.PAGE,
        Dashboard.GATEWAY,
        # The gateway has asked it three times by then, 10 s apart.
        for_="30s",
        summary="{{ $labels.model }}: its endpoint outside of the stack does not answer the gateway",
        first="Ask the endpoint yourself; then look at its credential, and at the way to the internet.",
    )
