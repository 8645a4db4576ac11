"""What a run tells: progress lines while it works, and the steps of a preview at its end."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from rehearsal.diffs import compare
from rehearsal.engine.plan import Op
from rehearsal.urns import is_default_provider, name_of, type_of
from rehearsal.values import masked

SIGNS: dict[Op, str] = {
    "create": "+",
    "update": "~",
    "replace": "+-",
    "delete": "-",
    "same": " ",
    "read": ">",
}


@dataclass(frozen=True)
class Step:
    """One resource's part in a run. `changed` and `reasons` are property names."""

    op: Op
    urn: str
    changed: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    old: dict[str, Any] = field(default_factory=dict)
    new: dict[str, Any] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The step for a reader: the resource, then each changed property."""
        head = f"{SIGNS[self.op]:>2} {self.op:<8} {name_of(self.urn)} ({type_of(self.urn)})"
        if self.op not in ("update", "replace"):
            return [head]
        lines = [head]
        named = set(self.changed) | set(self.reasons)
        for change in compare(_only(self.old, named), _only(self.new, named)):
            forced = self._forces(change.path[0] if change.path else "")
            lines.append(f"      {change}{' (forces replacement)' if forced else ''}")
        shown = {name.split("[")[0].split(".")[0] for name in named}
        hidden = sorted(name for name in shown if not self._visible(name))
        lines += [f"      ~ {name}{' (forces replacement)' if self._forces(name) else ''}" for name in hidden]
        return lines

    def _visible(self, name: str) -> bool:
        return any(True for _ in compare(_only(self.old, {name}), _only(self.new, {name})))

    def _forces(self, name: Any) -> bool:
        return any(each == name or each.startswith((f"{name}.", f"{name}[")) for each in self.reasons)

    def as_json(self) -> dict[str, Any]:
        """As a step of `pulumi preview --json`, as far as it goes; secrets masked."""
        mask = "[secret]"
        return {
            "op": self.op,
            "urn": self.urn,
            "oldInputs": masked(self.old, lambda _: mask),
            "newInputs": masked(self.new, lambda _: mask),
            "diffReasons": list(self.changed),
            "replaceReasons": list(self.reasons),
        }


def _only(values: dict[str, Any], names: set[str]) -> dict[str, Any]:
    tops = {name.split("[")[0].split(".")[0] for name in names}
    return {key: value for key, value in values.items() if key in tops}


class Reporter:
    """Collects steps and passes lines on. Safe to call from many threads."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lock = Lock()
        self.steps: list[Step] = []

    def line(self, text: str) -> None:
        with self._lock:
            self._write(text)

    def progress(self, op: Op, urn: str, text: str) -> None:
        """A resource's line while an update runs."""
        self.line(f"{SIGNS[op]:>2} {name_of(urn)} ({type_of(urn)}): {text}")

    def log_for(self, urn: str) -> Callable[[str], None]:
        """What a backend logs about a resource, prefixed with its name."""
        name = name_of(urn)
        return lambda text: self.line(f"   {name}: {text}")

    def add(self, step: Step) -> None:
        if is_default_provider(step.urn):
            return
        with self._lock:
            self.steps.append(step)

    def counts(self) -> dict[str, int]:
        """How many steps of each kind, in the order of `SIGNS`."""
        found = Counter(step.op for step in self.steps)
        return {op: found[op] for op in SIGNS if found[op]}

    def has_changes(self) -> bool:
        return any(step.op not in ("same", "read") for step in self.steps)

    def summary(self, done: bool) -> str:
        """The counts as the last line."""
        names = {"same": "unchanged", "read": "read"}
        past = {
            "create": "created",
            "update": "updated",
            "replace": "replaced",
            "delete": "deleted",
        }
        parts = [
            f"{count} {names.get(op) or (past[op] if done else f'to {op}')}"
            for op, count in self.counts().items()
        ]
        return "Resources: " + (", ".join(parts) or "none")
