"""Rules of Prometheus as data, and the file that it reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml


@dataclass(frozen=True)
class Record:
    """A series made of others: `name` is what `expr` gives, with `labels` added (they win over its own)."""

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Alert:
    """Fires for each element that `expr` has had for `for_` (a duration such as `5m`; default: at once).

    `keep_firing_for` lets it fire on for that long after `expr` went empty, so that it does not flap.
    """

    name: str
    expr: str
    for_: str = "0s"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    keep_firing_for: str | None = None


Rule = Record | Alert


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated one after the other, so that a later one may use an earlier one's series.

    `interval` is a duration; None: Prometheus' own evaluation interval.
    """

    name: str
    rules: Sequence[Rule]
    interval: str | None = None


def render(groups: Sequence[Group]) -> str:
    """A rule file; the same text for the same groups. `promtool check rules` accepts it."""
    content = {"groups": [_group(group) for group in groups]}
    return yaml.safe_dump(content, sort_keys=False, width=10_000, allow_unicode=True)


def _group(group: Group) -> dict[str, Any]:
    rules = [_record(rule) if isinstance(rule, Record) else _alert(rule) for rule in group.rules]
    return _filled(name=group.name, interval=group.interval, rules=rules)


def _record(rule: Record) -> dict[str, Any]:
    return _filled(record=rule.name, expr=rule.expr, labels=dict(rule.labels))


def _alert(rule: Alert) -> dict[str, Any]:
    more = {"for": rule.for_, "keep_firing_for": rule.keep_firing_for}
    return _filled(
        alert=rule.name,
        expr=rule.expr,
        **more,
        labels=dict(rule.labels),
        annotations=dict(rule.annotations),
    )


def _filled(**entries: Any) -> dict[str, Any]:
    """Without what says nothing: no default is repeated in the file."""
    return {name: value for name, value in entries.items() if value not in (None, {}, "0s")}
