"""Promises, and the share of requests that broke them, over the windows of the burn-rate alerts.

The shares are made of the recorded rates: one sum over a window, however many keys and replicas there are.
"""

from monitoring.outcomes import COUNTED, ERRORS, Outcome
from monitoring.recording.queries import constant, number
from monitoring.rules import Record
from monitoring.vocabulary import BURN_WINDOWS
from monitoring.watched import Watched, WatchedModel

SHORT_WINDOWS, LONG_WINDOWS = BURN_WINDOWS[:4], BURN_WINDOWS[4:]
"""The long ones move slowly and cost most: they are made less often."""


def promises(watched: Watched) -> list[Record]:
    """What was promised, by model."""
    return [record for model in watched.models for record in _promises(model)]


def _promises(model: WatchedModel) -> list[Record]:
    slo, of = model.slo, {"model": model.name}
    return [
        constant("slm:slo_availability:ratio", slo.availability, **of),
        constant("slm:slo_first_token:ratio", slo.first_token_share, **of),
        constant("slm:slo_first_token_seconds", slo.first_token_seconds, **of),
    ]


def shares(watched: Watched, windows: tuple[str, ...]) -> list[Record]:
    """Broken promises, by model and window."""
    return [record for model in watched.models for window in windows for record in _shares(model, window)]


def _shares(model: WatchedModel, window: str) -> list[Record]:
    errors, counted = _requests(model.name, ERRORS, window), _requests(model.name, COUNTED, window)
    in_time, answered = (_answers(model, le, window) for le in (_promised(model), "+Inf"))
    return [
        Record(
            f"slm:request_errors:ratio_rate{window}",
            f"{errors} / ({counted} > 0) or vector(0)",
            {"model": model.name},
        ),
        Record(
            f"slm:slow_first_token:ratio_rate{window}",
            f"clamp_min(1 - {in_time} / ({answered} > 0), 0) or vector(0)",
            {"model": model.name},
        ),
    ]


def _promised(model: WatchedModel) -> str:
    """The bucket that ends at the promise; the collector has one there for each model."""
    return number(model.slo.first_token_seconds)


def _requests(model: str, outcomes: tuple[Outcome, ...], window: str) -> str:
    wanted = "|".join(outcomes)
    return f'sum(sum_over_time(slm:requests:rate5m{{model="{model}",outcome=~"{wanted}"}}[{window}]))'


def _answers(model: WatchedModel, le: str, window: str) -> str:
    series = f'slm:time_to_first_token_seconds_bucket:rate5m{{model="{model.name}",le="{le}"}}'
    return f"sum(sum_over_time({series}[{window}]))"
