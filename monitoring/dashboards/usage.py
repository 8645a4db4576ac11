"""Who used what, and what it cost."""

from monitoring.dashboards.gateway import keys_of
from monitoring.dashboards.kit import (
    GATEWAY,
    MODEL,
    OF_CELL,
    USAGE,
    Board,
    Column,
    Link,
    Panel,
    Target,
    Variable,
    View,
)
from monitoring.dashboards.recorded import kept
from monitoring.outcomes import ERRORS
from monitoring.watched import Watched

_CHOSEN = 'key_id=~"$key", model=~"$model"'
_ERRORS = "|".join(ERRORS)
_GATEWAY = Link("Look at the gateway", GATEWAY, (("key", "$key"),))
_TOKENS = "short"


def _used(series: str, more: str = "") -> str:
    return f"sum by (key_id, model) (increase({series}{{{_CHOSEN}{more}}}[$__range]))"


_TABLE = Panel(
    "Used in the time range",
    "By key and model; the time range above is what is counted, at first the month so far. Numbers are "
    "Prometheus' increase(): it may be off by a little at the ends of the range and knows nothing from "
    "before its own retention. Too much: lower the key's limit, or ask its owner.",
    unit="short",
    link=_GATEWAY,
    of_row=OF_CELL,
    view=View.TABLE,
    columns=(
        Column("Cost", _used("slm:usage_usd:total"), "currencyUSD"),
        Column("Requests", _used("slm:usage_requests:total"), "short"),
        Column("Tokens in", _used("slm:usage_prompt_tokens:total"), _TOKENS),
        Column("Tokens out", _used("slm:usage_completion_tokens:total"), _TOKENS),
        Column("Not answered", _used("slm:usage_requests:total", f', outcome=~"{_ERRORS}"'), "short"),
        Column("Time", _used("slm:usage_seconds:total"), "s"),
    ),
    by=("key_id", "model"),
    sort=("Requests", True),
    width=24,
    height=10,
)


def board(watched: Watched) -> Board:
    """Keys by models."""
    panels = (
        _TABLE,
        Panel(
            "Cost by key",
            "Of a day that goes on like the last hour. A rise: see in the table which model it is.",
            unit="currencyUSD",
            link=Link("Look at a model", MODEL),
            targets=(
                Target(f"sum by (key_id) (rate(slm:usage_usd:total{{{_CHOSEN}}}[1h])) * 86400", "{{key_id}}"),
            ),
            stacked=True,
        ),
        Panel(
            "Tokens a second by key",
            "Read and written together. Who fills the slots? One key alone: give it a limit.",
            unit=_TOKENS,
            link=_GATEWAY,
            targets=(
                Target(
                    f"sum by (key_id) (rate(slm:usage_prompt_tokens:total{{{_CHOSEN}}}[$__rate_interval]))"
                    f" + sum by (key_id) "
                    f"(rate(slm:usage_completion_tokens:total{{{_CHOSEN}}}[$__rate_interval]))",
                    "{{key_id}}",
                ),
            ),
            stacked=True,
        ),
    )
    models = tuple(sorted(model.name for model in watched.models))
    return Board(
        USAGE,
        "Usage and cost",
        "Who used what, and what it cost at the catalog's prices.",
        kept(panels, watched),
        (keys_of(watched), Variable("model", "Model", models, everything=True)),
        begin="now/M",
    )
