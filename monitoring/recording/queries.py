"""Pieces of PromQL that several sources need."""

from collections.abc import Iterable, Mapping

from monitoring.rules import Record


def number(value: float) -> str:
    """As Prometheus writes it, in `vector()` and in the label `le`: 5 and not 5.0."""
    return repr(float(value)).removesuffix(".0")


def constant(name: str, value: float, **labels: str) -> Record:
    """A series that says what is set."""
    return Record(name, f"vector({number(value)})", labels)


def selector(metric: str, **labels: str) -> str:
    """`metric{label="value",...}`. Values are names of the kit (a-z, 0-9, `.`, `-`): none needs an escape."""
    matchers = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric}{{{matchers}}}"


def summed(metric: str, by: Iterable[str] = (), **labels: str) -> str:
    """Sum of a gauge."""
    return f"sum{_by(by)} ({selector(metric, **labels)})"


def rate(metric: str, by: Iterable[str] = (), **labels: str) -> str:
    """Sum of rates over five minutes."""
    return f"sum{_by(by)} (rate({selector(metric, **labels)}[5m]))"


def zeros(rows: Iterable[Mapping[str, str]]) -> str:
    """A 0 for each row of labels."""
    return " or ".join(_zero(row) for row in rows)


def _zero(labels: Mapping[str, str]) -> str:
    made = "vector(0)"
    for name, value in labels.items():
        made = f'label_replace({made}, "{name}", "{value}", "", "")'
    return made


def _by(labels: Iterable[str]) -> str:
    names = ", ".join(labels)
    return f" by ({names})" if names else ""
