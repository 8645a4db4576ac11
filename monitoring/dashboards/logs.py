"""Logs of all parts, and one request from the gateway to its engine."""

from monitoring.dashboards.kit import (
    GATEWAY,
    LOGS,
    OVERVIEW,
    Board,
    Language,
    Link,
    Panel,
    Target,
    Variable,
    View,
)
from monitoring.watched import Watched

# Not the collector: its own lines would come back to it.
_PARTS = ("gateway", "open-webui", "prometheus", "alertmanager", "loki", "node-exporter", "grafana")
_OVERVIEW = Link("Look at what is wrong", OVERVIEW)
_CHOSEN = '{service_name=~"$workload"}'


def _workloads(watched: Watched) -> tuple[str, ...]:
    if watched.cluster:
        return ("gateway",)
    engines = sorted(str(model.alias) for model in watched.engines)
    return (*_PARTS, *(("gpu-exporter",) if watched.gpus else ()), *engines)


def board(watched: Watched) -> Board:
    """Loki's. Prompts, answers and keys are in no log."""
    panels = (
        Panel(
            "Lines by workload",
            "How much each writes. One that writes far more than before repeats an error: choose it above.",
            unit="short",
            link=_OVERVIEW,
            language=Language.LOGQL,
            targets=(
                Target(f"sum by (service_name) (count_over_time({_CHOSEN}[$__auto]))", "{{service_name}}"),
            ),
            stacked=True,
            width=24,
            height=6,
        ),
        Panel(
            "Failed requests",
            "Access-log lines of the gateway with a status from 500 on. Copy the request_id of one into the "
            "field above to see what its engine said.",
            unit="string",
            link=Link("Look at the gateway", GATEWAY),
            view=View.LOGS,
            language=Language.LOGQL,
            targets=(Target('{service_name="gateway"} | json | __error__="" | status >= 500'),),
            empty="No request failed.",
            may_be_empty=True,
            height=9,
        ),
        Panel(
            "Errors",
            "What programs themselves call an error. The newest is often only the consequence: look for the "
            "first.",
            unit="string",
            link=_OVERVIEW,
            view=View.LOGS,
            language=Language.LOGQL,
            # Without the gateway's access log: each of its lines has the word error, as a field's name.
            targets=(Target(f'{_CHOSEN} != `"termination"` | detected_level=~"error|critical|fatal"'),),
            empty="No error was logged.",
            may_be_empty=True,
            height=9,
        ),
        Panel(
            "One request",
            "All lines with the request id above, from the gateway to the engine; callers get the id in the "
            "header X-Request-Id. Nothing from an engine: the gateway never handed it on.",
            unit="string",
            link=Link("Look at the gateway", GATEWAY),
            view=View.LOGS,
            language=Language.LOGQL,
            targets=(Target('{service_name=~".+"} | request_id=~"$request"'),),
            empty="No line has this id. Is it inside the time range?",
            width=24,
            height=9,
        ),
        Panel(
            "All lines",
            "Of the chosen workload. Too many: choose one above and a shorter time range.",
            unit="string",
            link=_OVERVIEW,
            view=View.LOGS,
            language=Language.LOGQL,
            targets=(Target(_CHOSEN),),
            width=24,
            height=12,
        ),
    )
    return Board(
        LOGS,
        "Logs",
        "What the parts say, and one request from the gateway to its engine.",
        panels,
        (
            Variable("workload", "Workload", _workloads(watched), everything=True),
            Variable("request", "Request id", None),
        ),
        begin="now-1h",
    )
