"""What a run showed: for each engine and capability how many tests passed, and whether one did not."""

import collections
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("results.json")

Shown = Mapping[str, Mapping[str, Mapping[str, int]]]
"""Engine -> capability -> kind of test -> tests that passed."""


class Results:
    """Filled while the tests run."""

    def __init__(self) -> None:
        self._passed: collections.Counter[tuple[str, str, str]] = collections.Counter()
        self.unfinished: set[str] = set()
        """Tests that failed or were skipped."""

    def note(self, report: pytest.TestReport) -> None:
        """Take in one phase of one test; those of other suites carry no capability."""
        noted = [value for name, value in report.user_properties if name == "capability"]
        if not noted:
            return
        if report.outcome != "passed":
            self.unfinished.add(report.nodeid)
        elif report.when == "call":
            engine, capability, kind = str(noted[0]).split()
            self._passed[engine, capability, kind] += 1

    def shown(self) -> Shown:
        """The counts, as `FILE` holds them."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for (engine, capability, kind), count in sorted(self._passed.items()):
            found.setdefault(engine, {})[capability] = {kind: count}
        return found


def committed() -> Shown:
    """Those of the run that docs/engines.md was made from."""
    found: Shown = json.loads(FILE.read_text())
    return found


def commit(shown: Shown) -> None:
    """Write them down."""
    FILE.write_text(json.dumps(shown, indent=2, sort_keys=True) + "\n")
