"""The commands that read or change the file of an edge stack know its settings."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.errors import KitError
from ops import decide, images, keys, lifecycle, paths, runner, stack_settings
from stacks.image_settings import ImageSettings
from tests.conftest import ROOT

STACK = "unit"
SITES = [
    {"name": "shop", "hardware": "cpu-8", "location": "here", "keys": [{"id": "shop"}],
     "models": [{"name": "smollm2-135m-instruct", "engine": "onnx", "contextLength": 1024}],
     "docker": {"host": "ssh://shop"}},
    {"name": "plant", "hardware": "cpu-8", "location": "here", "keys": [{"id": "plant"}],
     "models": [{"name": "smollm2-135m-instruct", "engine": "onnx", "contextLength": 1024}],
     "kubernetes": {"kubeconfig": "/etc/plant.yaml", "images": {"tag": "1"}}},
]  # fmt: skip


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack file of the test's own, worked by the real rehearsal."""
    checkout = tmp_path / "checkout"
    (checkout / "stacks").mkdir(parents=True)
    (checkout / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (checkout / "rehearsal").symlink_to(ROOT / "rehearsal")
    file = checkout / "stacks" / f"Pulumi.{STACK}.yaml"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for module in (decide, images, paths, stack_settings):
        monkeypatch.setattr(module, "stack_file", lambda _: file)
    monkeypatch.setattr(runner, "CHECKOUT", checkout)
    write(file, SITES)
    return file


def write(file: Path, sites: list[dict[str, Any]]) -> None:
    config = {
        "target": "edge",
        "runner": "rehearsal",
        "modelSource": "pypi",
        "images": "build",
        "sites": sites,
    }
    file.write_text(yaml.safe_dump({"config": {f"slm-kit:{key}": value for key, value in config.items()}}))


def test_a_value_of_a_site_is_kept_where_it_can_work_and_else_not(file: Path) -> None:
    lifecycle.set_config(STACK, "sites[1].location", "fr-lyon")
    sites = yaml.safe_load(file.read_text())["config"]["slm-kit:sites"]
    assert [each["location"] for each in sites] == ["here", "fr-lyon"]
    before = file.read_text()
    with pytest.raises(KitError, match=r"site plant: .*at most 8192"):
        lifecycle.set_config(STACK, "sites[1].models[0].contextLength", "9000")
    assert file.read_text() == before


def test_a_new_key_is_refused_with_where_a_site_lists_it(file: Path) -> None:
    before = file.read_text()
    with pytest.raises(KitError, match=r"Add \{id: guest\} to `keys` of the site"):
        lifecycle.key(STACK, keys.KeyOptions(new="guest"))
    assert file.read_text() == before


@pytest.mark.usefixtures("file")
def test_images_are_those_of_the_sites_that_name_images() -> None:
    assert images._called_for(STACK) == ("gateway", "model-tools-convert", "onnx-server")
    line = images._to_write(STACK, ImageSettings(prefix="registry.example/slm-kit", tag="1"))
    assert line.startswith(
        "`docker` or `kubernetes` of each site: {images: {prefix: registry.example/slm-kit,"
    )


def test_without_a_site_that_names_images_there_is_nothing_to_build(file: Path) -> None:
    write(file, SITES[:1])
    with pytest.raises(KitError, match="each of its sites builds its images itself"):
        images._called_for(STACK)
