"""The machine: what it is short of."""

from monitoring.dashboards.gpu import gpus
from monitoring.dashboards.kit import (
    HARDWARE,
    LOGS,
    MODEL,
    OF_LINE,
    OVERVIEW,
    Board,
    Link,
    Panel,
    Step,
    Target,
    View,
    rising,
)
from monitoring.dashboards.recorded import kept
from monitoring.watched import Watched

_MODEL = Link("Look at a model", MODEL)
_LOGS = Link("Look at the logs", LOGS)
_OVERVIEW = Link("Look at what is wrong", OVERVIEW)
_ANY = (Step(None, "green"), Step(1, "red"))
"""One is one too many."""
_DISKS = (
    "Share in use under the model store, Prometheus and Loki. Near 100 %: remove models that nobody "
    "serves, or shorten what is kept."
)
_CLAIMS = (
    "Share in use of the claims of Prometheus and Loki. Near 100 %: shorten what is kept. How full the model "
    "store is nobody tells; a download looks itself."
)
_UP = (Step(None, "red"), Step(0.5, "green"))


def _machine(watched: Watched) -> tuple[Panel, ...]:
    return (
        Panel(
            "Processors",
            "Share in use. At 100 % every answer gets slower: fewer slots, a smaller model, or more cores.",
            unit="percentunit",
            link=_MODEL,
            targets=(Target("max(slm:host_cpu:ratio)", "in use"),),
            steps=rising(0.85, 0.95),
            top=1,
        ),
        Panel(
            "Memory of the machine",
            "Share in use. Near 100 % the kernel kills somebody: fewer or smaller models.",
            unit="percentunit",
            link=_MODEL,
            targets=(Target("max(slm:host_memory:ratio)", "in use"),),
            steps=rising(0.85, 0.95),
            top=1,
        ),
        Panel(
            "Memory of engines",
            "Share of each engine's own limit. At 100 % the kernel kills it: shorter context or fewer slots.",
            unit="percentunit",
            link=_MODEL,
            of_row=OF_LINE,
            targets=(
                Target(
                    "max by (model) (slm:engine_memory_bytes) "
                    "/ on (model) max by (model) (slm:engine_memory_limit_bytes)",
                    "{{model}}",
                ),
            ),
            steps=rising(0.85, 0.95),
            top=1,
        ),
        Panel(
            "Disks",
            _DISKS if watched.cluster is None else _CLAIMS,
            unit="percentunit",
            link=_LOGS,
            targets=(Target("max by (volume) (slm:disk_used:ratio)", "{{volume}}"),),
            steps=rising(0.8, 0.9),
            top=1,
        ),
        Panel(
            "Free on disks",
            "A model needs its size twice while it is converted.",
            unit="bytes",
            link=_LOGS,
            view=View.STAT,
            targets=(Target("min by (volume) (slm:disk_free_bytes)", "{{volume}}"),),
            steps=(Step(None, "red"), Step(2 * 1024**3, "orange"), Step(10 * 1024**3, "green")),
            height=4,
        ),
        Panel(
            "Killed for memory in 10 minutes",
            "Not 0: something needed more than its limit. The engine that started last is the one.",
            unit="short",
            link=_OVERVIEW,
            view=View.STAT,
            targets=(Target("max(slm:oom_kills:increase10m)", "killed"),),
            steps=_ANY,
            width=6,
            height=4,
        ),
        Panel(
            "Clock may be off by",
            "Beyond a second, keys and certificates end at the wrong time and logs are out of order: switch "
            "on time synchronization. 16 s, the kernel's bound, is no measurement: nobody sets it there.",
            unit="s",
            link=_OVERVIEW,
            view=View.STAT,
            targets=(Target("max(slm:clock_error_seconds)", "off"),),
            width=6,
            height=4,
        ),
    )


def _monitoring(watched: Watched) -> tuple[Panel, ...]:
    # Of a cluster's parts the gateway's log alone is kept.
    told = "its logs tell" if watched.cluster is None else f"`{watched.cluster.kubectl} get pods` tells"
    return (
        Panel(
            "What monitoring can read",
            f"1: its metrics are read. A line at 0: that part is down, or cannot be reached; {told}.",
            unit="short",
            link=_LOGS,
            targets=(Target("min by (job) (slm:scrape_up)", "{{job}}"),),
            steps=_UP,
            top=1,
        ),
        Panel(
            "What monitoring lost",
            "Not 0: rules that failed, alerts that no receiver took, log records that Loki did not take or "
            "that the collector refused, uncounted. What is wrong may be told to nobody: mend this first.",
            unit="short",
            link=_LOGS,
            targets=(
                Target("max(slm:rule_failures:increase5m)", "rules"),
                Target("max(slm:notification_failures:increase15m)", "alerts"),
                Target("max(slm:log_failures:increase15m)", "log records"),
                Target("max(slm:log_refusals:increase15m)", "refused log records"),
            ),
            steps=_ANY,
        ),
    )


def board(watched: Watched) -> Board:
    """The machine, its GPUs if engines use any, and monitoring itself; of a cluster no nodes."""
    short = "What the machine is short of" if watched.cluster is None else "What engines are short of"
    return Board(
        HARDWARE,
        "Hardware",
        f"{short}, and whether monitoring itself is well.",
        kept((*_machine(watched), *gpus(), *_monitoring(watched)), watched),
    )
