"""Monitoring itself: blind, mute, or alive."""

from monitoring.alerts.making import Dashboard, Severity, alert, where
from monitoring.rules import Alert, Group
from monitoring.watched import Watched

WATCHDOG = "Watchdog"
OWN_ALERT_JOBS = ("gateway", "engine")
"""Where a scrape that fails has an alert of its own: GatewayDown, EngineDown."""


def groups(watched: Watched) -> list[Group]:
    """The same for every stack."""
    rules = [_scrapes(watched), _rules(), _notifications(), _logs(), _usage(), _watchdog()]
    return [Group("alerts-monitoring", rules)]


def _scrapes(watched: Watched) -> Alert:
    return alert(
        "ScrapeMissing",
        f'slm:scrape_up{{job!~"{"|".join(OWN_ALERT_JOBS)}"}} == 0',
        Severity.TICKET,
        Dashboard.OVERVIEW,
        # At a first `make up` a part may be built for ten minutes after Prometheus began to ask for it.
        for_="15m",
        summary="{{ $labels.job }} at {{ $labels.instance }} cannot be read: alerts that need it are blind",
        first=where(
            watched,
            "Run `make logs`; Prometheus' page Status > Targets shows the error.",
            "Run `KUBECTL get pods` and `make logs`; Prometheus' page Status > Targets shows the error.",
        ),
    )


def _rules() -> Alert:
    return alert(
        "RuleFailing",
        "slm:rule_failures:increase5m > 0",
        Severity.TICKET,
        Dashboard.OVERVIEW,
        for_="5m",
        summary="{{ $value | humanize }} rules could not be evaluated in 5 minutes: "
        "alerts that need them are blind",
        first="Prometheus' page Status > Rules shows which, and why.",
    )


def _notifications() -> Alert:
    # While `make up` replaces Alertmanager, Prometheus drops what it sends again a minute later.
    away = 'min_over_time(slm:scrape_up{job="alertmanager"}[15m]) == 0'
    return alert(
        "NotificationsFailing",
        f"slm:notification_failures:increase15m > 0 unless on () ({away})",
        Severity.PAGE,
        Dashboard.OVERVIEW,
        summary="{{ $value | humanize }} notifications reached no receiver in 15 minutes",
        first="Run `make logs`: Alertmanager says which receiver refused it, and why.",
    )


def _logs() -> Alert:
    return alert(
        "LogsFailing",
        "slm:log_failures:increase15m > 0",
        Severity.TICKET,
        Dashboard.LOGS,
        summary="{{ $value | humanize }} log records were lost in 15 minutes: Loki did not take them",
        first="Run `make logs`: the collector says why Loki did not take them.",
    )


def _usage() -> Alert:
    return alert(
        "UsageMayBeLost",
        "slm:log_refusals:increase15m > 0",
        Severity.TICKET,
        Dashboard.LOGS,
        summary="The collector refused {{ $value | humanize }} log records in 15 minutes; "
        "usage by key may be counted too low",
        first="Look which part writes so much (dashboard Logs); `make logs` shows the collector's own lines.",
    )


def _watchdog() -> Alert:
    return alert(
        WATCHDOG,
        "vector(1)",
        Severity.NONE,
        Dashboard.OVERVIEW,
        summary="Alerts work: this one always fires",
        first="Nothing to do. When it stops to arrive, look whether Prometheus and Alertmanager run.",
    )
