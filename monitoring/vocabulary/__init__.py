"""The one set of series that dashboards, alerts and scaling may use, whatever engine is behind.

Recording rules (monitoring/recording/) make them; those are the one place that knows an engine's names.
"""

from collections.abc import Iterator

from monitoring.vocabulary import engines, gateway, itself, machine, usage
from monitoring.vocabulary.series import BURN_WINDOWS, For, Series
from monitoring.watched import Watched

__all__ = ["BURN_WINDOWS", "SERIES", "For", "Series", "series_of"]

SERIES = (*gateway.SERIES, *engines.SERIES, *usage.SERIES, *machine.SERIES, *itself.SERIES)


def series_of(watched: Watched) -> Iterator[Series]:
    """The series that a stack records."""
    return (series for series in SERIES if series.exists_in(watched))
