"""One stack with every engine that runs here; each test runs on the engines that its capability says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.models import EngineName
from tests.conformance.marks import engines_for
from tests.conformance.models import FILES, additions
from tests.conformance.results import Results
from tests.conformance.served import Api, settings
from tests.stack.rig import Stack, new_stack

NAME = "test-conformance"
PORT = 18184
LAST = ("test_removal.py", "test_table.py")
"""What changes the stack, and what looks at how all others went."""

_results = Results()


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, up."""
    folder = tmp_path_factory.mktemp("conformance")
    config = {"models": settings(), "modelFolder": str(FILES)}
    made = new_stack(NAME, PORT, folder, additions(), config)
    try:
        made.first_up = made.must("up")
        made.key = made.must("key").strip().splitlines()[-1]
        yield made
    finally:
        done = made.ops("down")
    assert done.returncode == 0, done.stdout
    assert made.left() == {"containers": [], "networks": [], "volumes": [], "images": []}


@pytest.fixture
def api(stack: Stack, engine: EngineName) -> Api:
    """The models of the engine that the test runs on."""
    return Api(stack, engine)


@pytest.fixture
def results() -> Results:
    """How the tests before went."""
    return _results


def pytest_configure(config: pytest.Config) -> None:
    """The mark of tests/conformance/marks.py."""
    config.addinivalue_line("markers", "capability(name, kind): of catalog/engines.yaml")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on each engine of its kind. One that asks an engine has to say for which capability."""
    mark = metafunc.definition.get_closest_marker("capability")
    if mark is None:
        if "api" in metafunc.fixturenames:
            pytest.fail(
                f"{metafunc.function.__name__} asks an engine: give it a capability, can(…) or cannot(…)"
            )
        return
    found = engines_for(*mark.args)
    skip = pytest.mark.skip(reason=f"{mark.args[0]}: no engine that runs here is to have it {mark.args[1]}")
    metafunc.parametrize("engine", found or [pytest.param("none", marks=skip)])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The modules of `LAST` come last of this suite, in that order."""
    here = Path(__file__).parent
    places = [place for place, item in enumerate(items) if item.path.parent == here]
    mine = sorted((items[place] for place in places), key=lambda item: _rank(item.path.name))
    for place, item in zip(places, mine, strict=True):
        items[place] = item
        mark = item.get_closest_marker("capability")
        if (
            mark is not None
            and isinstance(item, pytest.Function)
            and item.callspec.params["engine"] != "none"
        ):
            item.user_properties.append(
                ("capability", " ".join(map(str, (item.callspec.params["engine"], *mark.args))))
            )


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what each test showed."""
    _results.note(report)


def _rank(name: str) -> int:
    return LAST.index(name) + 1 if name in LAST else 0
