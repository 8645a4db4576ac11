"""Hours with more replicas: as cron, and as KEDA reads that."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from catalog.errors import KitError
from components.autoscaling.types import DAYS, Schedule
from stacks.scaling_settings import ScheduleSettings


def test_a_schedule_past_midnight_ends_on_the_next_day() -> None:
    office = Schedule(("mon", "fri"), 7 * 60 + 30, 18 * 60, "UTC", 1)
    assert (office.start_cron, office.end_cron) == ("30 7 * * 1,5", "0 18 * * 1,5")
    night = Schedule(("fri", "sat"), 22 * 60, 6 * 60, "UTC", 1)
    assert (night.start_cron, night.end_cron) == ("0 22 * * 5,6", "0 6 * * 0,6")
    assert Schedule(DAYS, 60, 120, "UTC", 1).start_cron == "0 1 * * *"
    with pytest.raises(KitError, match="never ends"):
        Schedule(DAYS, 60, 60, "UTC", 1)


@pytest.mark.parametrize(
    ("start", "end"), [("08:00", "18:00"), ("22:00", "06:00"), ("00:00", "00:00"), ("09:15", "09:15")]
)
def test_a_schedule_is_on_at_its_hours_as_keda_reads_the_two_expressions(start: str, end: str) -> None:
    wanted = {
        "days": ["mon", "sat"],
        "start": start,
        "end": end,
        "timezone": "Europe/Amsterdam",
        "replicas": 2,
    }
    schedule = ScheduleSettings.model_validate(wanted).as_schedule()
    zone = ZoneInfo(schedule.timezone)
    monday = datetime(2026, 11, 23, tzinfo=zone)
    length = timedelta(minutes=(schedule.end - schedule.start) % 1440 or 1440)
    begins = [monday + timedelta(days=day, minutes=schedule.start) for day in (-2, 0, 5)]
    for minutes in range(7, 7 * 1440, 30):
        now = monday + timedelta(minutes=minutes)
        meant = any(begin <= now < begin + length for begin in begins)
        assert keda_is_on(schedule, now) == meant, now


def keda_is_on(schedule: Schedule, now: datetime) -> bool:
    """As KEDA decides (pkg/scalers/cron_scaler.go): on while the next end comes before the next start."""
    return next_time(schedule.end_cron, now) <= next_time(schedule.start_cron, now)


def next_time(cron: str, now: datetime) -> datetime:
    minute, hour, _, _, days = cron.split()
    chosen = range(7) if days == "*" else [int(day) for day in days.split(",")]
    for ahead in range(9):
        day = now + timedelta(days=ahead)
        at = day.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
        if at > now and at.isoweekday() % 7 in chosen:
            return at.astimezone(UTC)
    raise AssertionError(f"{cron} never comes")
