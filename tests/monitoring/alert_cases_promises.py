"""Promises that are broken too fast."""

from monitoring.recording.usage import EVERY_SECONDS
from tests.monitoring.alert_case import BAD, CALM, Case, Series


def _down(model: str) -> str:
    return f'ALERTS{{alertname="EngineDown",alertstate="firing",model="{model}"}}'


def _slept(model: str, minutes: int) -> Series:
    """Its replicas: none until so many minutes before the end of the bad time, then one."""
    return {f'slm:replicas{{model="{model}"}}': f"0x{CALM + BAD - 1 - minutes} 1x60"}


def _burn(
    alert: str,
    ratio: str,
    promise: tuple[str, float],
    windows: tuple[str, str, str, str],
    model: str = "tiny",
    base: str = "tiny",
) -> Case:
    """The one pace of `windows` (long, short, severity, when the budget is gone) alone is too fast.

    `base` is the model whose engine answers, for an adapter another one.
    """
    long, short, severity, gone = windows
    # The promise of 95 % times the pace is between the two.
    near, bad = {"1h": (0.7, 0.8), "6h": (0.29, 0.4), "1d": (0.14, 0.2), "3d": (0.045, 0.08)}[long]
    promised, promised_value = promise
    awake = _slept(model, 40) if model == "asleep" else {}
    # Another model's outage hides nothing.
    still: Series = {f'{promised}{{model="{model}"}}': promised_value, _down("small-1.5b"): 1, **awake}
    long_series, short_series = f'{ratio}{long}{{model="{model}"}}', f'{ratio}{short}{{model="{model}"}}'
    # Two a minute, and three an hour; of streamed answers a rate, of which promtool has one sample a minute.
    failed = "of the requests were not answered"
    if "errors" in ratio:
        asked = f'slm:usage_requests:total{{model="{model}",key_id="alice",outcome="ok"}}'
        often, seldom = "0+2x100", "0+0.05x100"
    else:
        asked = f'slm:time_to_first_token_seconds_bucket:rate5m{{model="{model}",le="+Inf"}}'
        often, seldom = f"{2 / EVERY_SECONDS}x100", f"{0.05 / EVERY_SECONDS}x100"
    what = failed if "errors" in ratio else "of the answers began later than promised"
    return Case(
        alert,
        {**still, asked: often, long_series: (near, bad), short_series: (near, bad)},
        {"model": model, "severity": severity, "long_window": long, "short_window": short},
        f"{model}: {bad * 100:g}% {what} in the last {long}; "
        f"at this pace the month's error budget is gone in {gone} or sooner",
        never=(
            {**still, asked: often, long_series: (near, bad), short_series: near},
            {**still, asked: often, long_series: near, short_series: (near, bad)},
            {**still, asked: seldom, long_series: (near, bad), short_series: (near, bad)},
            # What was told as an outage is not told again.
            *(
                [{**still, asked: often, long_series: (near, bad), short_series: (near, bad), _down(base): 1}]
                if severity == "page"
                else []
            ),
            # Nor a wake: its first requests were told to ask again.
            *(
                [
                    {
                        **still,
                        asked: often,
                        long_series: (near, bad),
                        short_series: (near, bad),
                        **_slept(model, 5),
                    }
                ]
                if awake
                else []
            ),
        ),
    )


_WINDOWS = (
    ("1h", "5m", "page", "2 days"),
    ("6h", "30m", "page", "5 days"),
    ("1d", "2h", "ticket", "10 days"),
    ("3d", "6h", "ticket", "30 days"),
)
_ANSWERED = ("AvailabilityBudgetBurn", "slm:request_errors:ratio_rate", ("slm:slo_availability:ratio", 0.95))
_SOON = ("FirstTokenBudgetBurn", "slm:slow_first_token:ratio_rate", ("slm:slo_first_token:ratio", 0.95))
BURNS = [
    *(_burn(*promise, windows) for promise in (_ANSWERED, _SOON) for windows in _WINDOWS),
    *(_burn(*_ANSWERED, windows, model="big-sql", base="big") for windows in _WINDOWS[:2]),
    *(_burn(*_ANSWERED, windows, model="asleep", base="asleep") for windows in _WINDOWS[:2]),
]
