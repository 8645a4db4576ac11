"""Overview: is every promise kept, and what is wrong now."""

from monitoring.dashboards.kit import (
    GATEWAY,
    HARDWARE,
    LOGS,
    MODEL,
    OF_CELL,
    OF_LINE,
    OVERVIEW,
    PRESENT,
    Board,
    Column,
    Link,
    Panel,
    Step,
    Target,
    View,
    falling,
    rising,
)
from monitoring.dashboards.recorded import kept
from monitoring.watched import Watched

FAST_BURN, SLOW_BURN = 14.4, 6
"""Burn rates at which alerts page: at the first a budget of 30 days is gone in two days, at the second in
five (Google's SRE workbook, alerting on SLOs)."""
BURN_STEPS = (Step(None, "green"), Step(1, "yellow"), Step(SLOW_BURN, "orange"), Step(FAST_BURN, "red"))


def budget_left(errors: str, promise: str) -> str:
    """Share of the error budget of 30 days that is left, by model.

    From the mean over 30 days of the share of bad answers in the 3 days before each hour, so that quiet hours
    count like busy ones. A stack that is younger is judged by the time it has been there.
    """
    ratio = f"{errors}:ratio_rate3d"
    mean = f"avg by (model) (avg_over_time({ratio}[30d:1h]) or {ratio})"
    return f"1 - {mean} / on (model) (1 - max by (model) ({promise}:ratio))"


ANSWERS_LEFT = budget_left("slm:request_errors", "slm:slo_availability")
FIRST_TOKENS_LEFT = budget_left("slm:slow_first_token", "slm:slo_first_token")


def _burn(errors: str, promise: str) -> str:
    return f"max by (model) ({errors}:ratio_rate1h) / on (model) (1 - max by (model) ({promise}:ratio))"


_FIRING = Panel(
    "What is wrong now",
    "Alerts that fire. Look at those with severity page first; monitoring/runbooks/ has a page of the same "
    "name for each: what it means, how to see it, how to mend it.",
    unit="string",
    link=Link("Look at the logs", LOGS),
    of_row=OF_CELL,
    view=View.TABLE,
    columns=(
        Column(
            "Alerts",
            'sum by (severity, alertname, model, engine) (ALERTS{alertstate="firing", severity!="none"})',
            "short",
        ),
    ),
    by=("severity", "alertname", "model", "engine"),
    sort=("severity", False),
    empty="Nothing is wrong.",
    may_be_empty=True,
    width=10,
    height=9,
)

_MODELS = Panel(
    "Models",
    "One line a model. Budget: what is left of the failures (or late first tokens) that 30 days may have, as "
    "the mean of 30 days or of as many as there are; below zero the promise is broken. If it shrinks, open "
    "the model and see whether its queue, slots or engine is the cause. Replicas 0: nobody can answer.",
    unit="short",
    link=Link("Look at the gateway", GATEWAY),
    of_row=OF_CELL,
    view=View.TABLE,
    columns=(
        Column("Replicas", "sum by (model) (slm:replicas)", "short", PRESENT),
        Column("Requests", "sum by (model) (slm:requests:rate5m)", "reqps"),
        Column("Budget: answers", ANSWERS_LEFT, "percentunit", falling(0.25, 0)),
        Column("Budget: first token", FIRST_TOKENS_LEFT, "percentunit", falling(0.25, 0)),
        Column(
            "Queue full",
            "max by (model) (slm:requests_queued) / on (model) (max by (model) (slm:queue_limit) > 0)",
            "percentunit",
            rising(0.5, 0.9),
        ),
    ),
    by=("model",),
    width=14,
    height=9,
)


def board(watched: Watched) -> Board:
    """All models at once."""
    panels = (
        _FIRING,
        _MODELS,
        Panel(
            "How fast error budgets burn",
            "Share of requests that were not answered in the last hour, in units of what was promised. "
            "Above 1 the promise does not hold for 30 days; from the orange line on somebody is called. "
            "Open the model and see its requests by outcome.",
            unit="short",
            link=Link("Look at a model", MODEL),
            of_row=OF_LINE,
            targets=(Target(_burn("slm:request_errors", "slm:slo_availability"), "{{model}}"),),
            steps=BURN_STEPS,
        ),
        Panel(
            "How fast first-token budgets burn",
            "The same for answers whose first token came later than promised. If it is high while requests "
            "are answered, there is more work than slots: add a replica or slots, or promise less.",
            unit="short",
            link=Link("Look at a model", MODEL),
            of_row=OF_LINE,
            targets=(Target(_burn("slm:slow_first_token", "slm:slo_first_token"), "{{model}}"),),
            steps=BURN_STEPS,
        ),
        Panel(
            "Requests by outcome",
            "All models together. Overloaded: queues are full, see Model. Failed: an engine broke, see Logs. "
            "Limited or refused: a caller's doing, see Gateway.",
            unit="reqps",
            link=Link("Look at the gateway", GATEWAY),
            targets=(Target("sum by (outcome) (slm:requests:rate5m)", "{{outcome}}"),),
            stacked=True,
        ),
        Panel(
            "Machine" if watched.cluster is None else "Volumes and GPUs",
            "Where something is short. Near 100 %: look at Hardware before anything is added.",
            unit="percentunit",
            link=Link("Look at the hardware", HARDWARE),
            targets=(
                Target("max(slm:host_cpu:ratio)", "processors"),
                Target("max(slm:host_memory:ratio)", "memory"),
                Target("max(slm:disk_used:ratio)", "fullest disk"),
                Target("max(slm:gpu_memory:ratio)", "fullest GPU"),
            ),
            steps=rising(0.8, 0.95),
            top=1,
        ),
    )
    return Board(
        OVERVIEW,
        "Overview",
        "Is every promise kept, and what is wrong now? Read from the top left.",
        kept(panels, watched),
    )
