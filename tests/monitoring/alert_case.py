"""A test of one alert, from a table to what `promtool test rules` reads."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring.alerts.making import alerts_in
from monitoring.rules import Alert, Group

CALM, BAD = 10, 45
"""Minutes that a case is calm at first, and then bad; afterwards it is calm for as long as windows need."""

Value = float | tuple[float, float] | str
Series = Mapping[str, Value]


@dataclass(frozen=True)
class Case:
    """An alert is quiet while each series has the first of its two values, fires with the second, resolves
    when the first is back. A single value stays; a text is promtool's own notation for the whole time."""

    alert: str
    series: Series
    labels: Mapping[str, str]
    """All labels of the alert, without alertname."""
    summary: str
    also: Sequence[Mapping[str, str]] = ()
    """Labels of milder alerts of the same name and summary that fire beside it; Alertmanager hides them."""
    resolved_after: int = 20
    """Minutes after the bad time."""
    never: Sequence[Series] = ()
    """Other inputs at the end of whose bad time it must be quiet."""

    def rule(self, groups: Sequence[Group]) -> Alert:
        """The one rule that this case tests: the alert's, with labels that all are in the case's."""
        found = [
            rule
            for rule in alerts_in(groups)
            if rule.name == self.alert and rule.labels.items() <= self.labels.items()
        ]
        assert len(found) == 1, f"{self.alert} {self.labels}: {len(found)} rules"
        return found[0]

    def tests(self, groups: Sequence[Group]) -> Iterator[dict[str, Any]]:
        """promtool's tests: quiet, firing, resolved; and each input that must stay quiet."""
        rule = self.rule(groups)
        fires, wait = CALM + BAD - 1, _minutes(rule.for_)
        last = CALM + BAD + self.resolved_after
        quiet_until = [CALM - 1] if wait <= 1 else [CALM - 1, CALM + wait - 1]
        yield {
            "name": f"{self.alert} {dict(self.labels)}",
            "interval": "1m",
            "input_series": _input(self.series, last),
            "alert_rule_test": [
                *(self._expect(minute) for minute in quiet_until),
                self._expect(fires, rule),
                self._expect(last),
            ],
        }
        for number, series in enumerate(self.never):
            yield {
                "name": f"{self.alert} {dict(self.labels)}, quiet {number}",
                "interval": "1m",
                "input_series": _input(series, last),
                "alert_rule_test": [self._expect(fires)],
            }

    def _expect(self, minute: int, rule: Alert | None = None) -> dict[str, Any]:
        expected = []
        if rule is not None:
            annotations = {**rule.annotations, "summary": self.summary}
            expected = [
                {"exp_labels": dict(labels), "exp_annotations": annotations}
                for labels in (self.labels, *self.also)
            ]
        return {"eval_time": f"{minute}m", "alertname": self.alert, "exp_alerts": expected}


def _minutes(duration: str) -> int:
    found = re.fullmatch(r"(\d+)([smh])", duration)
    assert found is not None, duration
    return int(int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]] / 60)


def _input(series: Series, minutes: int) -> list[dict[str, str]]:
    return [{"series": name, "values": _values(value, minutes)} for name, value in series.items()]


def _values(value: Value, minutes: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        calm, bad = value
        return f"{calm}x{CALM - 1} {bad}x{BAD - 1} {calm}x{minutes - CALM - BAD}"
    return f"{value}x{minutes}"
