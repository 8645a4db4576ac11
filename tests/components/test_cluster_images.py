"""`make images` makes what the rendered stack runs, no less and no more."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops import base_image, decide, docker_engine, image_builder, images, stack_settings
from tests.components.kubernetes_stack import CONFIG, ON_GPU, POOL, render_stack

PREFIX, TAG = "registry.example/slm", "7"
IMAGES = {"prefix": PREFIX, "tag": TAG}
MONITORED: dict[str, Any] = {"monitoring": None, "passwords": {"monitoring": "p" * 43}}
GPU_METRICS = {**POOL["kubernetes"], "devicePlugin": True, "gpuMetricsFor": "monitoring"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        MONITORED,
        {**MONITORED, "monitoring": {"grafana": True}},
        {**MONITORED, **POOL, "models": [ON_GPU], "kubernetes": GPU_METRICS},
        {"kubernetes": {**CONFIG["slm-kit:kubernetes"], "modelImages": {}}},
    ],
    ids=["bare", "monitored", "with Grafana", "with the metrics of GPUs", "with models as images"],
)
def test_what_is_made_is_what_the_stack_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    where = {**changes.get("kubernetes", CONFIG["slm-kit:kubernetes"]), "images": IMAGES}
    rendering = render_stack(**{**changes, "kubernetes": where})
    wanted = {
        image
        for each in rendering.resources
        for image in images_of(each.inputs)
        if image.startswith(f"{PREFIX}/")
    }
    config = {**CONFIG, **{f"slm-kit:{key}": value for key, value in changes.items()}}
    config = {key: value for key, value in config.items() if value is not None}
    file = tmp_path / "Pulumi.images.yaml"
    file.write_text(yaml.safe_dump({"config": {**config, "slm-kit:kubernetes": where}}))
    assert set(made(file, monkeypatch)) == wanted


def images_of(inputs: Any) -> list[str]:
    """Of a workload's pods: of all containers, those that begin them included, and of volumes."""
    pod = (inputs.get("spec") or {}).get("template", {}).get("spec", {})
    run = [*pod.get("initContainers", []), *pod.get("containers", [])]
    mounted = [each["image"]["reference"] for each in pod.get("volumes", []) if "image" in each]
    return [*(each["image"] for each in run), *mounted]


def made(file: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """References that an engine is told to push, on a machine where images can be pulled and models are
    images already; all others were built before."""
    commands: list[Sequence[str]] = []
    for module in (decide, images, stack_settings):
        monkeypatch.setattr(module, "stack_file", lambda _: file)
    monkeypatch.setattr(docker_engine, "ensure", lambda: None)
    for name, value in (("registry_answers", True), ("ensure_base", "base"), ("exists", True)):
        monkeypatch.setattr(base_image, name, lambda *_, value=value: value)
    monkeypatch.setattr(base_image, "ensure_build_base", lambda *_: None)
    for builder in (images, image_builder):
        monkeypatch.setattr(builder, "run", lambda command, **_: commands.append(command))
    images.make("images", images.Wanted(PREFIX, TAG, push=True))
    built = {each[each.index("--tag") + 1] for each in commands if each[1] == "build"}
    pushed = [each[-1] for each in commands if each[1] == "push"]
    assert built == {each for each in pushed if "/model-" not in each or "/model-tools" in each}
    return pushed
