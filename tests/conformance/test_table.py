"""The capability list, the run and docs/engines.md say the same."""

import os
from pathlib import Path

import pytest

from catalog.engines import engines
from tests.conformance import table
from tests.conformance.marks import CAPABILITIES, kind_of
from tests.conformance.results import Results, commit, committed
from tests.conformance.served import SERVED


def test_every_engine_says_something_about_every_capability() -> None:
    for name, facts in engines().items():
        assert set(facts.capabilities) == set(CAPABILITIES), name
    assert set(table.MEANING) == set(CAPABILITIES)


@pytest.mark.docker
def test_the_run_showed_every_capability_and_refusal(
    request: pytest.FixtureRequest, results: Results
) -> None:
    if missing := _left_out(request):
        pytest.skip(f"only a part of the suite ran, without {missing}")
    assert not results.unfinished
    shown = results.shown()
    for engine in SERVED:
        for capability in CAPABILITIES:
            kind = kind_of(engine, capability)
            assert shown[engine].get(capability, {}).get(kind, 0) > 0, (
                f"no test shows {capability} of {engine} {kind}"
            )
    if os.environ.get(table.WRITE):
        commit(shown)
        table.FILE.write_text(table.render(shown))
    assert shown == committed(), "the table is of another run: `python -m tests.conformance.table`"


def test_the_table_in_docs_is_that_of_the_last_run() -> None:
    assert table.FILE.read_text() == table.render(committed()), "`python -m tests.conformance.table --render`"


def _left_out(request: pytest.FixtureRequest) -> str:
    """What of this suite was not asked for, or nothing."""
    options = request.config.option
    chosen = [
        f"-{flag} {value}" for flag, value in (("k", options.keyword), ("m", options.markexpr)) if value
    ]
    if chosen or any("::" in each for each in request.config.args):
        return " ".join(["all but", *(chosen or request.config.args)])
    here = Path(__file__).parent
    ran = {item.path.name for item in request.session.items if item.path.parent == here}
    return ", ".join(sorted({each.name for each in here.glob("test_*.py")} - ran))
