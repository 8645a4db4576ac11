"""What scaling asks Prometheus: recorded series only, and each query answers with one element or none.

KEDA refuses two elements. None means that nobody knows, never that nobody asks: a sum of sums is empty as
soon as one of its models is. All of it comes from the gateway, which is there when no replica is.
"""

from collections.abc import Iterable

from monitoring.recording.queries import summed


def demand(models: Iterable[str]) -> str:
    """Requests at the gateway for the models: those in an engine, those that wait, those held for a wake."""
    return " + ".join(summed("slm:demand", model=name) for name in models)


def asked(models: Iterable[str]) -> str:
    """1 where somebody asked for one of the models in the last two minutes, else 0.

    A request is held for seconds only, between two scrapes, and leaves with a 503: its arrival stays known.
    It does so for two minutes when the gateway cannot be read any more; the demand is empty at once.
    """
    return f"({' + '.join(summed('slm:arrivals:rate2m', model=name) for name in models)}) > bool 0"
