"""One model: how fast, how full, on what."""

from monitoring.dashboards.kit import (
    MODEL,
    PRESENT,
    Board,
    Panel,
    Step,
    Target,
    Variable,
    View,
    falling,
    rising,
)
from monitoring.dashboards.overview import ANSWERS_LEFT, FIRST_TOKENS_LEFT
from monitoring.dashboards.recorded import kept
from monitoring.dashboards.traffic import (
    CHOSEN,
    ITS_LOGS,
    NOT_TOLD,
    THE_GATEWAY,
    THE_HARDWARE,
    load,
    speed,
    total,
)
from monitoring.watched import Watched


def _of_chosen(expr: str) -> str:
    return f"({expr}) and on (model) slm:slo_availability:ratio{CHOSEN}"


def _stats() -> tuple[Panel, ...]:
    return (
        Panel(
            "Replicas",
            "Engines that the gateway can hand requests to. At 0 requests are held until one is there, then "
            "refused: see its logs for why it does not start.",
            unit="short",
            link=ITS_LOGS,
            view=View.STAT,
            targets=(Target(total("slm:replicas"), "replicas"),),
            steps=PRESENT,
            width=4,
            height=4,
        ),
        Panel(
            "Budget left: answers",
            "Share of the failures that 30 days may have and that is still there. If it shrinks, look at "
            "Requests by outcome. A younger stack is judged by its own time.",
            unit="percentunit",
            link=ITS_LOGS,
            view=View.STAT,
            targets=(Target(_of_chosen(ANSWERS_LEFT), "answers"),),
            steps=falling(0.25, 0),
            width=5,
            height=4,
        ),
        Panel(
            "Budget left: first token",
            "Share of the late first tokens that 30 days may have and that is still there. If it shrinks, "
            "look at Time to first token and at the queue.",
            unit="percentunit",
            link=THE_GATEWAY,
            view=View.STAT,
            targets=(Target(_of_chosen(FIRST_TOKENS_LEFT), "first token"),),
            steps=falling(0.25, 0),
            width=5,
            height=4,
        ),
        Panel(
            "Engine started",
            "Just now, without a deployment: the engine fell over. Its logs tell why; look at Memory too.",
            unit="dateTimeFromNow",
            link=ITS_LOGS,
            view=View.STAT,
            # Grafana counts in milliseconds.
            targets=(Target(f"max by (model) (slm:engine_start_time_seconds{CHOSEN}) * 1000", "started"),),
            empty=NOT_TOLD,
            width=5,
            height=4,
        ),
        Panel(
            "Cold starts in an hour",
            "More than one or two: it falls over again and again, or is put to sleep too soon. See its logs.",
            unit="short",
            link=ITS_LOGS,
            view=View.STAT,
            targets=(Target(total("slm:cold_starts:changes1h"), "starts"),),
            steps=rising(1, 3),
            empty=NOT_TOLD,
            width=5,
            height=4,
        ),
    )


def _engine() -> tuple[Panel, ...]:
    return (
        Panel(
            "KV cache",
            "Share in use. Near 100 % new requests wait inside the engine: shorter contexts, fewer slots or "
            "more memory.",
            unit="percentunit",
            link=THE_HARDWARE,
            targets=(Target(f"max by (engine) (slm:kv_cache:ratio{CHOSEN})", "{{engine}}"),),
            steps=rising(0.8, 0.95),
            top=1,
            empty=NOT_TOLD,
        ),
        Panel(
            "Answers thrown out of the KV cache",
            "Each is computed again from its start. Above 0 for long: fewer slots or a larger cache.",
            unit="short",
            link=THE_HARDWARE,
            targets=(Target(f"sum by (engine) (slm:preemptions:rate5m{CHOSEN})", "{{engine}}, a second"),),
            steps=(Step(None, "green"), Step(0.01, "orange"), Step(0.1, "red")),
            empty=NOT_TOLD,
        ),
        Panel(
            "Memory",
            "Of the engine's container; at the dashed line the kernel kills it. If it comes near, choose a "
            "shorter context, fewer slots or a smaller quantization.",
            unit="bytes",
            link=THE_HARDWARE,
            targets=(
                Target(f"max by (engine) (slm:engine_memory_bytes{CHOSEN})", "{{engine}}"),
                Target(f"max by (model) (slm:engine_memory_limit_bytes{CHOSEN})", "limit", limit=True),
            ),
            empty=NOT_TOLD,
        ),
    )


def board(watched: Watched) -> Board:
    """One model at a time."""
    panels = (*_stats(), *speed(), *load(), *_engine())
    names = tuple(sorted(model.name for model in watched.models))
    return Board(
        MODEL,
        "Model",
        "One model: how fast it answers, how full it is, what its engine says.",
        kept(panels, watched),
        (Variable("model", "Model", names),),
    )
