"""Promises about models: alerts on how fast the month's error budget burns.

Windows and factors are those of Google's SRE workbook (chapter 5, "Multiwindow, multi-burn-rate alerts"): the
long window shows that it matters, the short one that it still goes on.
"""

from dataclasses import dataclass

from monitoring.alerts.making import Dashboard, Severity, alert, any_of
from monitoring.outcomes import COUNTED
from monitoring.recording.usage import EVERY_SECONDS
from monitoring.rules import Alert, Group
from monitoring.watched import Watched

FEWEST_BAD = 5
"""Requests that must have gone wrong in the long window. With ten requests an hour a single failure burns a
budget of 0.5 % twenty times too fast, and is chance; five failures are not, however few the requests were."""
HIGHEST_SHARE = 0.9
"""No threshold is above it: a promise of 90 % cannot burn 14.4 times too fast, yet an outage must page."""


PAGE_AFTER = "3m"
"""Longer than it takes until EngineDown and EndpointDown fire: up to 150 seconds behind the end (a scrape
that waits for a name, two rules, their own wait). A model that wakes has the time of its start first."""
_OUTAGES = 'alertname=~"EngineDown|EndpointDown|WakeWithoutReplica",alertstate="firing"'
_RECENT = "10m"
"""How long after an outage that was told nobody is told of it again: the short window still remembers it."""
_REMEMBERED = {"5m": "10m", "30m": "35m"}
"""How long a short window remembers a request: it sums rates over five minutes."""


@dataclass(frozen=True)
class Burn:
    """A pace at which the budget of 30 days must not burn."""

    factor: float
    long: str
    short: str
    severity: Severity
    gone_in: str
    """When the budget of 30 days is gone at this pace."""


BURNS = (
    Burn(14.4, "1h", "5m", Severity.PAGE, "2 days"),
    Burn(6, "6h", "30m", Severity.PAGE, "5 days"),
    Burn(3, "1d", "2h", Severity.TICKET, "10 days"),
    Burn(1, "3d", "6h", Severity.TICKET, "30 days"),
)


@dataclass(frozen=True)
class Promise:
    """What an slo block promises, and which series tell of it."""

    alert: str
    ratio: str
    promised: str
    of: str
    """How many requests of a window `ratio` is a share of."""
    bad: str
    first: str


PROMISES = (
    Promise(
        alert="AvailabilityBudgetBurn",
        ratio="slm:request_errors:ratio_rate",
        promised="slm:slo_availability:ratio",
        of='sum by (model) (increase(slm:usage_requests:total{{outcome=~"'
        + "|".join(COUNTED)
        + '"}}[{window}]))',
        bad="of the requests were not answered",
        first="Look which outcome grows (overloaded or failed) and read the log of the model's engine.",
    ),
    Promise(
        alert="FirstTokenBudgetBurn",
        ratio="slm:slow_first_token:ratio_rate",
        promised="slm:slo_first_token:ratio",
        # Streamed answers alone have a first token.
        of="sum by (model) (sum_over_time("
        'slm:time_to_first_token_seconds_bucket:rate5m{{le="+Inf"}}[{window}]))'
        f" * {EVERY_SECONDS}",
        bad="of the answers began later than promised",
        first="Look whether requests wait at the gateway or the engine itself is slow.",
    ),
)


def groups(watched: Watched) -> list[Group]:
    """Fast burns are looked at each time; slow ones, which read days of samples, every two minutes."""
    if not watched.models:
        return []
    return [
        Group(f"alerts-slo-{severity.value}", _rules(severity, watched), interval)
        for severity, interval in ((Severity.PAGE, None), (Severity.TICKET, "2m"))
    ]


def _told(watched: Watched) -> str:
    """Models whose outage was told lately; an adapter's is its base model's."""
    by_name = f"max by (model) (max_over_time(ALERTS{{{_OUTAGES}}}[{_RECENT}]))"
    bases = {base.alias: base.name for base in watched.engines}
    adapters = (
        f'label_replace(max(max_over_time(ALERTS{{{_OUTAGES},model="{bases[model.alias]}"}}[{_RECENT}])), '
        f'"model", "{model.name}", "", "")'
        for model in watched.models
        if model.alias in bases and not model.owns_engine
    )
    return " or ".join([by_name, *adapters])


def _woken(watched: Watched, burn: Burn) -> list[str]:
    """Models that slept lately: who wakes one is told to ask again, and a wake that fails is told."""
    sleepers = [model.name for model in watched.models if model.may_sleep]
    if not sleepers:
        return []
    replicas = f'slm:replicas{{model=~"{any_of(sleepers)}"}}[{_REMEMBERED[burn.short]}]'
    return [f"max by (model) (min_over_time({replicas})) == 0"]


def _rules(severity: Severity, watched: Watched) -> list[Alert]:
    burns = [burn for burn in BURNS if burn.severity is severity]
    return [_burn_alert(promise, burn, watched) for promise in PROMISES for burn in burns]


def _burn_alert(promise: Promise, burn: Burn, watched: Watched) -> Alert:
    too_much = f"on (model) clamp_max({burn.factor:g} * (1 - {promise.promised}), {HIGHEST_SHARE})"
    long, short = f"{promise.ratio}{burn.long}", f"{promise.ratio}{burn.short}"
    # Half of one below: both counts are estimates.
    enough = f"{long} * on (model) {promise.of.format(window=burn.long)} > {FEWEST_BAD - 0.5}"
    share = "{{ $labels.model }}: {{ $value | humanizePercentage }}"
    pace = f"at this pace the month's error budget is gone in {burn.gone_in} or sooner"
    burns = f"({long} > {too_much}) and on (model) ({short} > {too_much}) and on (model) ({enough})"
    pages = burn.severity is Severity.PAGE
    if pages:
        burns += f" unless on (model) ({' or '.join([_told(watched), *_woken(watched, burn)])})"
    return alert(
        promise.alert,
        burns,
        burn.severity,
        Dashboard.MODEL,
        for_=PAGE_AFTER if pages else "0s",
        labels={"long_window": burn.long, "short_window": burn.short},
        summary=f"{share} {promise.bad} in the last {burn.long}; {pace}",
        first=promise.first,
    )
