"""`make images` makes what the rendered stack runs, no less and no more."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops import base_image, decide, docker_engine, images
from tests.components.test_kubernetes_composition import CONFIG, ON_GPU, POOL, render_stack

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
    ],
    ids=["bare", "monitored", "with Grafana", "with the metrics of GPUs"],
)
def test_what_is_built_is_what_the_stack_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    where = {**changes.get("kubernetes", CONFIG["slm-kit:kubernetes"]), "images": IMAGES}
    rendering = render_stack(**{**changes, "kubernetes": where})
    wanted = {
        container["image"]
        for each in rendering.resources
        for container in containers(each.inputs)
        if container["image"].startswith(f"{PREFIX}/")
    }
    config = {**CONFIG, **{f"slm-kit:{key}": value for key, value in changes.items()}}
    config = {key: value for key, value in config.items() if value is not None}
    file = tmp_path / "Pulumi.images.yaml"
    file.write_text(yaml.safe_dump({"config": {**config, "slm-kit:kubernetes": where}}))
    assert set(built(file, monkeypatch)) == wanted


def containers(inputs: Any) -> list[dict[str, Any]]:
    """Of a workload's pods, those that begin them included."""
    pod = (inputs.get("spec") or {}).get("template", {}).get("spec", {})
    return [*pod.get("initContainers", []), *pod.get("containers", [])]


def built(file: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """References that an engine is told to build, on a machine where images can be pulled."""
    commands: list[Sequence[str]] = []
    for module in (decide, images):
        monkeypatch.setattr(module, "stack_file", lambda _: file)
    monkeypatch.setattr(docker_engine, "ensure", lambda: None)
    monkeypatch.setattr(base_image, "registry_answers", lambda: True)
    monkeypatch.setattr(base_image, "ensure_base", lambda _: "base")
    monkeypatch.setattr(base_image, "ensure_build_base", lambda *_: None)
    monkeypatch.setattr(images, "run", lambda command, **_: commands.append(command))
    images.make("images", PREFIX, TAG, [], push=False)
    return [each[each.index("--tag") + 1] for each in commands]
