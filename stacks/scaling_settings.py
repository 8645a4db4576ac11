"""What config says about replicas: per model `scaling`, and for the cluster `autoscaling`."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from catalog.errors import KitError
from components.autoscaling.types import MOST_REPLICAS, Schedule, check_range, check_zone
from stacks.base import Settings


def _time(value: object) -> str:
    """Text only: YAML makes a number of 10:00 without quotes, 600."""
    if not isinstance(value, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError('it must be a time in quotes: "08:00" to "23:59"')
    return value


def _zone(value: str) -> str:
    check_zone(value)
    return value


TARGET_UTILIZATION = 0.75

Time = Annotated[str, BeforeValidator(_time)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class ScheduleSettings(Settings):
    """Hours with at least so many replicas: awake before people come. Other hours have minReplicas."""

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = ("mon", "tue", "wed", "thu", "fri")
    """Days on which it begins."""
    start: Time
    """As text: "07:30"."""
    end: Time
    """As text. At or before the start it is a time of the next day."""
    timezone: Annotated[str, AfterValidator(_zone)]
    """IANA name, e.g. Europe/Amsterdam."""
    replicas: Annotated[int, Field(ge=1, le=MOST_REPLICAS)]

    def as_schedule(self) -> Schedule:
        """What the scaler is told."""
        return Schedule(self.days, _minutes(self.start), _minutes(self.end), self.timezone, self.replicas)


class ScalingSettings(Settings):
    """How many replicas one model has. Default: one, always.

    Who owns the number changes with the first and the last scaling. A fixed number is dropped, so that one
    replica is left until the scaler adds the others: make that change at a quiet hour. A scaler that goes
    leaves the number that is set in its place, but for a model that may sleep, which it leaves with as many
    as it began with: set minReplicas to 1 first, and in a second update the number.
    """

    min_replicas: Annotated[int, Field(ge=0, le=MOST_REPLICAS)] = 1
    """0: nothing runs while nobody asks, and a first request waits for a start (components/autoscaler.py)."""
    max_replicas: Annotated[int, Field(ge=1, le=MOST_REPLICAS)] = 1
    scale_to_zero_after_seconds: Annotated[int, Field(ge=60, le=86_400)] | None = None
    """How long nobody asked, and up to three minutes more, before the last replica goes. Default: 600, or
    what a replica may take to come where that is longer: the start-up budget of the engine, and on a pool
    1100 s for a node and its image, 1600 s where the model is an image too. Only with minReplicas 0."""
    target_utilization: Annotated[float, Field(ge=0.1, le=1)] | None = None
    """Share of a replica's concurrency from which on another one is added: room for the time it starts.
    Default: 0.75. Needs KEDA."""
    fallback_replicas: Annotated[int, Field(ge=1, le=MOST_REPLICAS)] | None = None
    """At least so many while Prometheus cannot be asked. Default: minReplicas, or 1 where that is 0."""
    schedule: tuple[ScheduleSettings, ...] = ()
    """Default: none."""

    @model_validator(mode="after")
    def _hangs_together(self) -> "ScalingSettings":
        check_range(self.min_replicas, self.max_replicas, least=0)
        if self.scale_to_zero_after_seconds is not None and self.min_replicas > 0:
            raise KitError(
                f"scaleToZeroAfterSeconds {self.scale_to_zero_after_seconds}",
                f"minReplicas {self.min_replicas} never lets it go to zero",
                "Set minReplicas to 0, or remove it.",
            )
        self._changes_what_never_changes()
        for each in self.schedule:
            if not self.min_replicas < each.replicas <= self.max_replicas:
                raise KitError(
                    f"a schedule of {each.replicas} replicas",
                    f"it must be above minReplicas {self.min_replicas} and at most maxReplicas "
                    f"{self.max_replicas}",
                    "Change one of the three.",
                )
        return self

    def _changes_what_never_changes(self) -> None:
        given = {
            "targetUtilization": self.target_utilization,
            "fallbackReplicas": self.fallback_replicas,
        }
        for name, value in given.items():
            if value is not None and not self.changes:
                raise KitError(
                    f"{name} {value:g}",
                    f"minReplicas and maxReplicas are both {self.min_replicas}, and the number never changes",
                    "Remove it, or raise maxReplicas.",
                )

    @property
    def changes(self) -> bool:
        """Whether the count ever changes."""
        return self.min_replicas != self.max_replicas

    @property
    def first_replicas(self) -> int:
        """Those that it always has, and at its very first start, as it is awake then."""
        return max(1, self.min_replicas)

    @property
    def replicas(self) -> int:
        """What its workload says: the count that never changes, else the one that a new one begins with."""
        return 1 if self.changes else self.min_replicas


class AutoscalingSettings(Settings):
    """What the cluster has for scaling."""

    keda: bool = True
    """KEDA 2.19 or later. Without it models on processors follow their CPU, and none goes to zero."""
    keda_namespace: Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] = "keda"
    """Where its operator runs, which asks Prometheus: kube-system for AKS' add-on."""
    recommendations: bool = False
    """Whether the Vertical Pod Autoscaler is installed: then it says what services on processors need."""


def _minutes(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)
