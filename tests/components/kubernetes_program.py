"""A small stack with every kind of workload of the kit, to render on a cluster and look at."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pulumi

from catalog import models
from components.engines.contract import Serving
from components.engines.registry import RECIPES
from components.gateway.component import Gateway
from components.gateway.config import GatewayLimits, KeyGrant, Route
from components.model_service import ModelService
from components.model_store import ModelStore
from components.monitoring.component import Monitoring
from components.platforms.kubernetes import KubernetesPlatform, KubernetesPlatformArgs
from components.platforms.kubernetes_provider import cluster_provider
from components.secrets import ApiKeys
from components.workload import Update, Workload
from monitoring.watched import Slo, Watched, WatchedCluster, WatchedEngine, WatchedModel
from rehearsal import RenderedResource, Rendering, render
from tests.unit import ollama_parts, vllm_parts

KEY = "slm-" + "k" * 43
PASSWORD = "p" * 43
MODEL = "smollm2-135m-instruct"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
JOB = "kubernetes:batch/v1:Job"
SERVICE = "kubernetes:core/v1:Service"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def program() -> None:
    """A gateway, an engine of each kind, a model's job and the monitoring set."""
    config = pulumi.Config()
    changed = {"stack": "test", "namespace": "slm-test", **(config.get_object("platform") or {})}
    if context := config.get("context"):
        changed["provider"] = cluster_provider("cluster", {"context": context})
    platform = KubernetesPlatform("cluster", cast(KubernetesPlatformArgs, changed))
    store = ModelStore(
        "models",
        {
            "platform": platform,
            "image": lambda target: f"model-tools:{target}",
            "download_settings": pulumi.Output.secret('{"indexUrl": "https://user:word@mirror/simple"}'),
        },
    )
    ModelService(
        MODEL,
        {
            "platform": platform,
            "store": store,
            "recipe": RECIPES["onnx"],
            "serving": _onnx(),
            "image": "onnx-server:1",
        },
    )
    changes = config.get_object("workloads") or {}
    for name, workload in _engines(store).items():
        platform.run(name, replace(workload, **_decoded(changes.get(name, {}))))
    _gateway(platform)
    _monitoring(platform, store)
    pulumi.export("address", platform.address("qwen3-0.6b"))
    pulumi.export("running", platform.running(MODEL).object_name)


def _decoded(changes: dict[str, Any]) -> dict[str, Any]:
    """Changes of a workload as they come out of a config, which holds no enumerations."""
    return {key: Update(value) if key == "update" else value for key, value in changes.items()}


def _onnx() -> Serving:
    return Serving(
        name=MODEL,
        model=models.find(MODEL),
        variant_name="onnx-int4",
        folder="/models/x",
        context_length=1024,
        concurrency=2,
        max_queue=4,
        cpus=1.5,
        memory_mib=1024,
    )


def _engines(store: ModelStore) -> dict[str, Workload]:
    mounts = [store.mount()]
    vllm = replace(vllm_parts.serving(), name="qwen3-0.6b")
    return {
        "ollama": RECIPES["ollama"].workload(ollama_parts.serving(), "ollama:1", mounts),
        "qwen3-0.6b": RECIPES["vllm"].workload(vllm, "vllm:1", mounts),
    }


def _gateway(platform: KubernetesPlatform) -> None:
    keys = ApiKeys(
        "keys", {"grants": [KeyGrant("dev", ("*",))], "secrets": pulumi.Output.secret({"dev": KEY})}
    )
    Gateway(
        "gateway",
        {
            "platform": platform,
            "image": "gateway:1",
            "routes": [Route(MODEL, platform.address(MODEL), replicas=1)],
            "keys": keys,
            "limits": GatewayLimits(),
            "address": "0.0.0.0",
            "port": 80,
        },
    )


def _monitoring(platform: KubernetesPlatform, store: ModelStore) -> None:
    engine = WatchedEngine("onnx", start_budget_seconds=180, memory_limit_bytes=2**30, slots=2)
    model = WatchedModel(MODEL, Slo(), 4, engine, MODEL, platform.address(MODEL))
    watched = Watched("test", (model,), (), cluster=WatchedCluster("slm-test", 8 * 2**30))
    Monitoring(
        "monitoring",
        {
            "platform": platform,
            "image": lambda name: f"{name}:1",
            "watched": watched,
            "password": pulumi.Output.secret(PASSWORD),
            "store": store.volume,
            "ports": {"prometheus": 9090, "alertmanager": 9093, "collector": 24224, "grafana": 3001},
            "storage_gib": 8,
        },
    )


def rendered(
    folder: Path, workloads: dict[str, Any] | None = None, context: str = "", **platform: Any
) -> Rendering:
    """The stack with some arguments of the platform, or of an engine's workload, changed."""
    (folder / "Pulumi.yaml").write_text("name: kit\nruntime: python\n")
    start = "from tests.components.kubernetes_program import program\n\nprogram()\n"
    (folder / "__main__.py").write_text(start)
    config = {"kit:platform": json.dumps(platform), "kit:workloads": json.dumps(workloads or {})}
    if context:
        config["kit:context"] = context
    return render(folder, "test", config)


def pods(rendering: Rendering) -> dict[str, dict[str, Any]]:
    """Every pod template by the name of what keeps it."""
    kept = [*rendering.of_type(DEPLOYMENT), *rendering.of_type(JOB)]
    return {each.name: each.inputs["spec"]["template"] for each in kept}


def containers(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All containers of a pod template, those before the start included."""
    yield from pod["spec"].get("initContainers", ())
    yield from pod["spec"]["containers"]


def main_container(rendering: Rendering, name: str) -> dict[str, Any]:
    """The program's own container."""
    (found,) = pods(rendering)[name]["spec"]["containers"]
    return dict(found)


def one(rendering: Rendering, type_token: str, name: str) -> RenderedResource:
    """The one resource of this type and name."""
    (found,) = [each for each in rendering.of_type(type_token) if each.name == name]
    return found
