"""A small stack of target kubernetes, rendered with some of its config changed."""

from typing import Any

from rehearsal import Rendering, render
from stacks.config import SECRET_KEYS
from tests.conftest import ROOT

KEY = "slm-" + "k" * 43
CLUSTER = {"images": {"tag": "1.0"}, "namespace": "models"}
CONFIG: dict[str, Any] = {
    "slm-kit:target": "kubernetes",
    "slm-kit:models": [{"name": "smollm2-135m-instruct", "contextLength": 1024, "concurrency": 2}],
    "slm-kit:keys": [{"id": "default"}],
    "slm-kit:keySecrets": {"default": KEY},
    "slm-kit:modelSource": "pypi",
    "slm-kit:kubernetes": CLUSTER,
    "slm-kit:monitoring": {"enabled": False},
}
MODEL = "smollm2-135m-instruct"
ON_GPU = {"name": "chat", "model": MODEL, "engine": "vllm", "contextLength": 1024, "concurrency": 2}
POOL: dict[str, Any] = {
    "modelSource": "hf",
    "kubernetes": {**CLUSTER, "gpuPools": [{"name": "gpu", "gpu": "t4"}]},
}


def render_stack(stack: str = "rendered", **changes: Any) -> Rendering:
    """The stack with some config changed; keys without their namespace, None for one that is left out."""
    config = {**CONFIG, **{f"slm-kit:{key}": value for key, value in changes.items()}}
    config = {key: value for key, value in config.items() if value is not None}
    secrets = {f"slm-kit:{key}" for key in SECRET_KEYS} & set(config)
    return render(ROOT, stack, config, secrets=secrets)
