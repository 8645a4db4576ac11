"""What a workload's replicas follow. A value that cannot work is refused when it is made."""

import zoneinfo
from dataclasses import dataclass

from catalog.errors import KitError

MOST_REPLICAS = 64
"""As many as a route of the gateway knows (components/gateway/types.py)."""
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
"""In cron's order: 0 is Sunday."""
MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True)
class Schedule:
    """At least so many replicas at these hours, whatever the demand. Between them min_replicas holds."""

    days: tuple[str, ...]
    """Names of DAYS on which it begins."""
    start: int
    end: int
    """Minutes from midnight, 0 to 1439. An end at or before the start is one of the next day."""
    timezone: str
    """IANA name, e.g. `Europe/Amsterdam`: hours stay hours where the clock is changed."""
    replicas: int

    def __post_init__(self) -> None:
        """Refuses what is no time, what never ends and what asks for nothing."""
        check_zone(self.timezone)
        unknown = sorted(set(self.days) - set(DAYS))
        if unknown or not self.days:
            raise KitError(
                f"schedule day {unknown[0]!r}" if unknown else "a schedule without days",
                f"days are {', '.join(DAYS)}",
                "Name those on which it begins.",
            )
        for name, value in (("start", self.start), ("end", self.end)):
            check_count(f"{name} of a schedule, in minutes,", value, 0, MINUTES_A_DAY - 1)
        check_count("replicas of a schedule", self.replicas, 1, MOST_REPLICAS)
        if self.start == self.end and set(self.days) == set(DAYS):
            raise KitError(
                "a schedule of seven whole days", "it never ends", "Raise minReplicas in its place."
            )

    @property
    def start_cron(self) -> str:
        """When it begins, as cron's five fields."""
        return _cron(self.start, [DAYS.index(day) for day in self.days])

    @property
    def end_cron(self) -> str:
        """When it ends: on the next day where it goes past midnight."""
        later = 1 if self.end <= self.start else 0
        return _cron(self.end, [(DAYS.index(day) + later) % len(DAYS) for day in self.days])


@dataclass(frozen=True)
class DemandScaling:
    """Replicas follow the requests at the gateway, waiting and held ones too (KEDA, through Prometheus)."""

    models: tuple[str, ...]
    """Public names that the workload serves: the model's, and its LoRA adapters'."""
    threshold: float
    """Requests a replica is meant to have at once; one replica more for each so many. Above 0."""
    max_replicas: int
    min_replicas: int = 1
    """0: nothing runs while nobody asks, and the next request wakes it."""
    idle_seconds: int = 600
    """With min_replicas 0: how long nobody asked before the last replica goes, 60 to 86400."""
    settle_seconds: int = 300
    """How long less has been needed before a replica of several goes, 0 to 3600."""
    fallback_replicas: int = 1
    """At least so many while Prometheus cannot be asked; it takes none away."""
    schedules: tuple[Schedule, ...] = ()

    def __post_init__(self) -> None:
        """Refuses counts that contradict each other."""
        if not self.models:
            raise KitError("a scaler without models", "no series tells its demand", "Name the model.")
        if self.threshold <= 0:
            raise KitError(f"threshold {self.threshold}", "it must be above 0", "Give requests a replica.")
        check_range(self.min_replicas, self.max_replicas, least=0)
        check_count("idle_seconds", self.idle_seconds, 60, 86_400)
        check_count("settle_seconds", self.settle_seconds, 0, 3600)
        least = max(1, self.min_replicas)
        check_count("fallback replicas", self.fallback_replicas, least, self.max_replicas)
        for schedule in self.schedules:
            check_count("replicas of a schedule", schedule.replicas, self.min_replicas + 1, self.max_replicas)
        if len(set(self.schedules)) < len(self.schedules):
            raise KitError("a schedule", "it is listed twice", "List it once.")


@dataclass(frozen=True)
class CpuScaling:
    """Replicas follow the processors in use (HPA, through metrics-server), where no demand is known."""

    max_replicas: int
    min_replicas: int = 1
    """From 1 on: a replica that is not there uses no processor, so none would ever come back."""
    utilization_percent: int = 70
    """Of its containers' processors, on average over its replicas; 10 to 100."""
    settle_seconds: int = 300
    """As in DemandScaling."""
    cpu_share: float = 1
    """Part of these processors that the containers request, above 0 to 1: it is what an HPA counts in."""

    def __post_init__(self) -> None:
        """Refuses counts that contradict each other."""
        check_range(self.min_replicas, self.max_replicas, least=1)
        check_count("utilization_percent", self.utilization_percent, 10, 100)
        if not 0 < self.cpu_share <= 1:
            raise KitError(f"cpu_share {self.cpu_share}", "it is above 0 and at most 1", "Take 1 for all.")
        check_count("settle_seconds", self.settle_seconds, 0, 3600)


Scaling = DemandScaling | CpuScaling


def check_recommended(scaling: Scaling | None, recommended: tuple[str, ...]) -> None:
    """Refuses what a VPA cannot recommend, and what an HPA acts on already."""
    unknown = sorted(set(recommended) - {"cpu", "memory"})
    if unknown:
        raise KitError(f"recommended resource {unknown[0]!r}", "they are cpu and memory", "Name one of them.")
    if isinstance(scaling, CpuScaling) and "cpu" in recommended:
        raise KitError(
            "a VPA on cpu",
            "an HPA follows the cpu of the same workload, and what the one changes moves the other",
            "Recommend memory only.",
        )


def check_zone(name: str) -> None:
    """Refuses what is no IANA time zone."""
    if name not in zoneinfo.available_timezones():
        raise KitError(
            f"time zone {name!r}", "it is no IANA name", "Give one such as Europe/Amsterdam, or UTC."
        )


def check_range(least_replicas: int, most_replicas: int, *, least: int) -> None:
    """Refuses a minimum above the maximum, and numbers out of bounds."""
    check_count("maxReplicas", most_replicas, 1, MOST_REPLICAS)
    check_count("minReplicas", least_replicas, least, MOST_REPLICAS)
    if least_replicas > most_replicas:
        raise KitError(
            f"minReplicas {least_replicas}",
            f"it is more than maxReplicas {most_replicas}",
            "Lower the one or raise the other.",
        )


def check_count(name: str, value: int, least: int, most: int) -> None:
    """Refuses a whole number out of bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise KitError(
            f"{name} {value!r}", f"it is a whole number, {least} to {most}", "Choose one of these."
        )


def _cron(minutes: int, days: list[int]) -> str:
    chosen = "*" if len(set(days)) == len(DAYS) else ",".join(str(day) for day in sorted(set(days)))
    return f"{minutes % 60} {minutes // 60} * * {chosen}"
