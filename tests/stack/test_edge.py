"""The commands of a user for an edge stack, with a site that never answers."""

import re
from collections.abc import Iterator

import pytest
import yaml

from tests.stack.rig import MODEL, Stack, new_stack

pytestmark = pytest.mark.docker
NAME, PORT = "test-edge-away", 18592


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("edge")
    made = new_stack(NAME, PORT, folder)
    site = {
        "name": "shop", "hardware": "mini-pc-n100-16", "location": "de-hamburg", "models": [{"name": MODEL}],
        "keys": [{"id": "shop"}], "docker": {"host": f"unix://{folder}/none.sock", "gatewayPort": PORT},
    }  # fmt: skip
    config = {"slm-kit:target": "edge", "slm-kit:modelSource": "pypi", "slm-kit:sites": [site]}
    made.file.write_text(yaml.safe_dump({"config": config}, sort_keys=False))
    yield made
    made.ops("down")


def test_up_makes_the_keys_names_the_site_that_is_away_and_fails(stack: Stack) -> None:
    done = stack.ops("up", "--runner", "rehearsal")
    assert done.returncode == 5, done.stdout
    assert "site shop cannot be reached (no Docker engine listens at " in done.stdout
    key = stack.must("key", "--id", "shop").splitlines()[-1]
    assert re.fullmatch(r"slm-[A-Za-z0-9_-]{43}", key)
    assert key not in done.stdout
    assert not stack.containers()


def test_render_shows_the_site_without_asking_it(stack: Stack) -> None:
    shown = stack.must("render")
    assert "slm:index:EdgeSite::shop" in shown
    assert "shop--gateway" in shown


def test_a_site_that_cannot_be_is_refused_by_the_command_itself(stack: Stack) -> None:
    before = stack.file.read_text()
    stack.file.write_text(before.replace("mini-pc-n100-16", "mini-pc-n1000"))
    done = stack.ops("up")
    stack.file.write_text(before)
    assert done.returncode == 2, done.stdout
    assert "site shop: hardware 'mini-pc-n1000'" in done.stdout


def test_down_of_what_never_came_up_leaves_nothing(stack: Stack) -> None:
    stack.must("down")
    assert not any(stack.left().values())
