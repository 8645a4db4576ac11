"""What all suites share: what this machine can run, and the table of what ran and what did not."""

import collections
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.kubernetes.fixtures", "tests.kubernetes.with_keda"]
ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("PULUMI_ERROR_OUTPUT_STRING", "1")


def _docker_answers() -> bool:
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs something this machine lacks, with the reason."""
    missing = {}
    if any(item.get_closest_marker("docker") for item in items) and not _docker_answers():
        missing["docker"] = "no Docker engine answers `docker info`"
    if not shutil.which("pulumi"):
        missing["engine"] = "no Pulumi CLI on PATH"
    for item in items:
        for marker, reason in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """One line a suite, then what was skipped and why; after everything else pytest has to say."""
    yield
    rows: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    seconds: collections.Counter[str] = collections.Counter()
    skipped: collections.Counter[tuple[str, str]] = collections.Counter()
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            suite = "/".join(Path(report.nodeid.partition("::")[0]).parts[1:2]) or "."
            rows[suite][outcome] += 1
            seconds[suite] += getattr(report, "duration", 0)  # a collection error has none
            if outcome == "skipped" and isinstance(report.longrepr, tuple):
                skipped[suite, report.longrepr[2].removeprefix("Skipped: ")] += 1
    terminalreporter.section("suites")
    shown = [
        f"inside the image of {value}" if name == "inside" else str(value)
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, value in report.user_properties
        if name in ("inside", "shown")
    ]
    terminalreporter.write_line(f"{'suite':<18}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for suite, counts in sorted(rows.items()):
        failed = counts["failed"] + counts["error"]
        terminalreporter.write_line(
            f"{suite:<18}{counts['passed']:>8}{failed:>8}{counts['skipped']:>9}{seconds[suite]:>9.0f}"
        )
    for (suite, reason), count in sorted(skipped.items()):
        terminalreporter.write_line(f"skipped {count} in {suite}: {reason}")
    for line in shown:
        terminalreporter.write_line(line)
