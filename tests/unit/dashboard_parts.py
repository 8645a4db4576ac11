"""Stacks to draw dashboards for, and what is in them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from catalog.models import EngineName
from monitoring import dashboards, grafana
from monitoring.watched import Price, Slo, Watched, WatchedCluster, WatchedEngine, WatchedKey, WatchedModel

GIB = 1024**3


def model(name: str, engine: EngineName, price: Price | None = None) -> WatchedModel:
    slo = Slo(availability=0.99, first_token_seconds=2.5)
    if engine == "external":
        return WatchedModel(name, slo, max_queue=8, engine=None, price=price)
    runs = WatchedEngine(engine, start_budget_seconds=60, memory_limit_bytes=GIB, slots=4)
    return WatchedModel(name, slo, max_queue=8, engine=runs, alias=name, price=price)


def stack(*models: WatchedModel, gpus: int = 0) -> Watched:
    keys = (WatchedKey("dev", tuple(model.name for model in models)), WatchedKey("ci", ()))
    return Watched("test", models, keys, gpus=gpus)


ONNX = stack(model("smollm2", "onnx"))
OLLAMA = stack(model("gemma", "ollama"))
VLLM = stack(model("qwen3", "vllm"), gpus=1)
OUTSIDE = stack(model("gpt", "external", Price(1, 2)))
MIXED = stack(*ONNX.models, *OLLAMA.models, *VLLM.models, *OUTSIDE.models, gpus=1)
CLUSTER = replace(MIXED, cluster=WatchedCluster("slm-test", 8 * GIB), gpus=0)
STACKS = {
    "onnx": ONNX,
    "ollama": OLLAMA,
    "vllm": VLLM,
    "external": OUTSIDE,
    "mixed": MIXED,
    "cluster": CLUSTER,
}
each_stack = pytest.mark.parametrize("watched", STACKS.values(), ids=STACKS.keys())


def rendered_of(watched: Watched) -> dict[str, dict[str, Any]]:
    return {name.removesuffix(".json"): json.loads(text) for name, text in dashboards.render(watched).items()}


def panels_of(watched: Watched) -> Iterator[tuple[str, dict[str, Any]]]:
    for uid, board in rendered_of(watched).items():
        for panel in board["panels"]:
            yield f"{uid}: {panel['title']}", panel


def panel_of(watched: Watched, place: str) -> dict[str, Any]:
    return dict(panels_of(watched))[place]


def titles_of(watched: Watched) -> set[str]:
    return {panel["title"] for _, panel in panels_of(watched)}


def show() -> None:
    """For another process."""
    print(json.dumps(grafana.render(MIXED)))
