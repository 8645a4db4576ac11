"""The gateway: who asks for what, and who is refused."""

from monitoring.dashboards.kit import (
    GATEWAY,
    LOGS,
    MODEL,
    OF_LINE,
    OVERVIEW,
    USAGE,
    Board,
    Column,
    Link,
    Panel,
    Step,
    Target,
    Variable,
    View,
)
from monitoring.dashboards.recorded import kept
from monitoring.watched import Watched

BY_KEY = '{key_id=~"$key"}'
DAY = 86_400
_LOGS = Link("Look at its logs", LOGS, (("workload", "gateway"),))
_USAGE = Link("Look at usage", USAGE, (("key", "$key"),))


def keys_of(watched: Watched) -> Variable:
    """Ids of the stack's keys, to choose one or all."""
    return Variable("key", "Key", tuple(sorted(key.id for key in watched.keys)), everything=True)


def _front() -> tuple[Panel, ...]:
    return (
        Panel(
            "Clients connected",
            "At the dashed line nobody else gets in. If it comes near: somebody opens connections and "
            "leaves them open (see the keys), or the limit is too low.",
            unit="short",
            link=_LOGS,
            targets=(
                Target("sum(slm:gateway_connections)", "connected"),
                Target("max(slm:gateway_connections_limit)", "limit", limit=True),
            ),
        ),
        Panel(
            "Requests that wait",
            "By model. One that stays high: open it and see its queue and slots.",
            unit="short",
            link=Link("Look at a model", MODEL),
            of_row=OF_LINE,
            targets=(Target("sum by (model) (slm:requests_queued)", "{{model}}"),),
            stacked=True,
        ),
        Panel(
            "Answered, by whom",
            "A second name for one model: its fallback answers. Open the model and see why it does not.",
            unit="reqps",
            link=Link("Look at a model", MODEL),
            of_row=OF_LINE,
            stacked=True,
            targets=(Target("sum by (model, served_by) (slm:served:rate5m)", "{{model}}: {{served_by}}"),),
        ),
        Panel(
            "Refused, by error",
            "What callers got for an answer. invalid_api_key: a wrong or old key. rate_limit_exceeded: "
            "a key asks more often than it may. queue_full or model_starting: see that model. Search logs "
            "for the error.",
            unit="reqps",
            link=_LOGS,
            targets=(Target("sum by (error) (slm:gateway_refusals:rate5m)", "{{error}}"),),
            stacked=True,
        ),
    )


def _keys() -> tuple[Panel, ...]:
    rate = f"rate(slm:usage_requests:total{BY_KEY}[$__rate_interval])"
    return (
        Panel(
            "Requests by key",
            "Who asks how often. A sudden rise of one key: ask its owner, or lower its limit. Key ids only; "
            "a key itself is stored nowhere but with its owner.",
            unit="reqps",
            link=_USAGE,
            targets=(Target(f"sum by (key_id) ({rate})", "{{key_id}}"),),
            stacked=True,
        ),
        Panel(
            "Requests by key that were not answered",
            "By outcome. limited: above the key's requests a minute. refused: the caller's mistake, its "
            "error is in the log. overloaded, failed: ours, see Overview.",
            unit="reqps",
            link=_LOGS,
            targets=(
                Target(
                    "sum by (key_id, outcome) (rate(slm:usage_requests:total"
                    '{key_id=~"$key", outcome!="ok"}[$__rate_interval]))',
                    "{{key_id}}: {{outcome}}",
                ),
            ),
            stacked=True,
        ),
        Panel(
            "Days until keys expire",
            "At 0 the gateway refuses it. Make a new key and give it to the owner in time.",
            unit="d",
            link=Link("Look at what is wrong", OVERVIEW),
            view=View.TABLE,
            columns=(
                Column(
                    "Left",
                    f"(max by (key_id) (slm:key_expiry_timestamp_seconds{BY_KEY}) - time()) / {DAY}",
                    "d",
                    (Step(None, "red"), Step(7, "orange"), Step(30, "green")),
                ),
            ),
            by=("key_id",),
            # Only a key without an end may have been chosen.
            empty="Never.",
        ),
    )


def board(watched: Watched) -> Board:
    """All keys, or one."""
    return Board(
        GATEWAY,
        "Gateway",
        "Who asks for what, and who is refused why.",
        kept((*_front(), *_keys()), watched),
        (keys_of(watched),),
    )
