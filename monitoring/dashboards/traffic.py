"""What callers of one model see: how long they wait, and for what."""

from monitoring.dashboards.kit import (
    GATEWAY,
    HARDWARE,
    LOGS,
    USAGE,
    Link,
    Panel,
    Target,
    View,
    rising,
)

CHOSEN = '{model=~"$model"}'
NOT_TOLD = "The engine of this model does not tell."
ITS_LOGS = Link("Look at its logs", LOGS, (("workload", "$model"),))
THE_GATEWAY = Link("Look at the gateway", GATEWAY)
THE_HARDWARE = Link("Look at the hardware", HARDWARE)
ITS_USERS = Link("Look at who uses it", USAGE, (("model", "$model"),))


def total(series: str) -> str:
    """Of the chosen model."""
    return f"sum by (model) ({series}{CHOSEN})"


def quantile(share: float, series: str) -> str:
    """Of the chosen model: how long at most it took for that share."""
    return f"histogram_quantile({share}, sum by (model, le) ({series}{CHOSEN}))"


def speed() -> tuple[Panel, ...]:
    """How long callers wait."""
    first = "slm:time_to_first_token_seconds_bucket:rate5m"
    return (
        Panel(
            "Time to first token",
            "From arrival at the gateway; the dashed line is what was promised. If only the gateway's line "
            "is high, requests wait: add slots or a replica. If the engine's is too, prompts are long or "
            "the machine is short of something.",
            unit="s",
            link=THE_HARDWARE,
            targets=(
                Target(quantile(0.5, first), "half are faster"),
                Target(quantile(0.95, first), "95 % are faster"),
                Target(quantile(0.95, "slm:engine_first_token_seconds_bucket:rate5m"), "95 %, engine alone"),
                Target(f"max by (model) (slm:slo_first_token_seconds{CHOSEN})", "promised", limit=True),
            ),
        ),
        Panel(
            "Time to first token, all streamed answers",
            "How many answers a second began how soon. Two bands: two kinds of requests, or a cache that "
            "only some of them hit. A band that moves up: it gets slower, see the queue.",
            unit="s",
            link=ITS_LOGS,
            view=View.HEATMAP,
            targets=(Target(f"sum by (le) ({first}{CHOSEN})", "{{le}}"),),
        ),
        Panel(
            "Between two tokens",
            "What a reader sees while an answer is written; above 0.1 s it is slower than reading. High "
            "while many requests run: fewer slots make each faster.",
            unit="s",
            link=THE_HARDWARE,
            targets=(
                Target(quantile(0.5, "slm:inter_token_seconds_bucket:rate5m"), "half are faster"),
                Target(quantile(0.95, "slm:inter_token_seconds_bucket:rate5m"), "95 % are faster"),
            ),
            steps=rising(0.1, 0.25),
            empty=NOT_TOLD,
        ),
        Panel(
            "Whole answers",
            "From arrival to the last byte. It grows with the length of answers: bad only where callers "
            "give up (cancelled) before the end.",
            unit="s",
            link=ITS_LOGS,
            targets=(
                Target(quantile(0.5, "slm:request_seconds_bucket:rate5m"), "half are faster"),
                Target(quantile(0.95, "slm:request_seconds_bucket:rate5m"), "95 % are faster"),
            ),
        ),
    )


def load() -> tuple[Panel, ...]:
    """How much is asked, and how full it is."""
    return (
        Panel(
            "Requests by outcome",
            "Overloaded: no slot in time, add a replica or slots. Failed: see its logs. Cancelled: callers "
            "did not want to wait.",
            unit="reqps",
            link=ITS_LOGS,
            targets=(
                Target(f"sum by (outcome) (slm:requests:rate5m{CHOSEN})", "{{outcome}}"),
                Target(f"sum(slm:held_requests:rate5m{CHOSEN})", "held for a replica"),
            ),
        ),
        Panel(
            "Queue",
            "Requests that wait at the gateway; at the dashed line the next one is refused. If it stays "
            "near, add a replica or slots, or limit the key that sends most.",
            unit="short",
            link=THE_GATEWAY,
            targets=(
                Target(total("slm:requests_queued"), "waiting"),
                Target(total("slm:demand"), "waiting, held or running"),
                Target(f"max by (model) (slm:queue_limit{CHOSEN})", "queue limit", limit=True),
            ),
        ),
        Panel(
            "Slots",
            "Requests that are answered at once. At the dashed line the others wait. Full slots with idle "
            "processors: there may be more slots.",
            unit="short",
            link=THE_HARDWARE,
            targets=(
                Target(total("slm:requests_running"), "handed on by the gateway"),
                Target(total("slm:engine_running"), "in slots"),
                Target(total("slm:engine_waiting"), "waiting in the engine"),
                Target(total("slm:engine_slots"), "slots", limit=True),
            ),
        ),
        Panel(
            "Tokens a second",
            "Read and written. Few written while slots are full: the engine is the bottleneck. Many read: "
            "long prompts, see who sends them.",
            unit="short",
            link=ITS_USERS,
            targets=(
                Target(total("slm:prompt_tokens:rate5m"), "read"),
                Target(total("slm:completion_tokens:rate5m"), "written"),
            ),
        ),
    )
