"""Ollama: the recipe that turns a model and its settings into a Workload.

The image's own program (docker/ollama) stands before Ollama: it links the weights out of the store, creates
the model from the Modelfile, loads it, and lets through OpenAI's routes only. What must hold whatever is set
(one model, no cloud, an address of the container's own) is in that program.
"""

from collections.abc import Sequence

import pulumi

from components.engines.contract import PORT, Recipe, Serving
from components.engines.ollama.modelfile import render
from components.engines.ollama.options import FOREVER
from components.workload import Mount, Probe, Resources, Workload

LINGER_SECONDS = 4
"""As the ONNX engine's: from the stop signal on /ready fails but requests are served until the gateway, which
asks each second and believes the second failure, sends nobody here any more."""

HOME = "/run/ollama"
HOME_MIB = 64
"""For Ollama's key and its small files; weights are links into the store."""


def workload(serving: Serving, image: pulumi.Input[str], mounts: Sequence[Mount]) -> Workload:
    """Ollama with one model out of the store."""
    return Workload(
        image=image,
        command=(
            *("--served-name", serving.name),
            *("--context-length", str(serving.context_length)),
            *("--slots", str(serving.concurrency)),
            *("--queue", str(serving.max_queue)),
            *("--port", str(PORT)),
            *("--home", HOME),
            *("--linger-seconds", str(LINGER_SECONDS)),
            *("--drain-seconds", str(serving.drain_seconds)),
        ),
        environment=_environment(serving),
        config_files={"Modelfile": render(serving)},
        resources=Resources(memory_mib=serving.memory_mib, cpus=serving.cpus, gpus=serving.gpus),
        alias=serving.name,
        replicas=serving.replicas,
        ports=(PORT,),
        readiness=_probe("/ready", serving),
        liveness=_probe("/health", serving),
        mounts=tuple(mounts),
        writable={HOME: HOME_MIB},
        update=serving.replaced,
        drain_seconds=LINGER_SECONDS + serving.drain_seconds + 15,
        metrics_path="/metrics",
    )


def _environment(serving: Serving) -> dict[str, str]:
    """What Ollama 0.17.4 reads from its environment (envconfig/config.go) and a user may set."""
    options = serving.ollama
    return {
        "OLLAMA_KEEP_ALIVE": "-1" if options.keep_alive == FOREVER else options.keep_alive,
        "OLLAMA_LOAD_TIMEOUT": f"{options.load_timeout_seconds}s",
        "OLLAMA_FLASH_ATTENTION": "1" if options.flash_attention else "0",
        "OLLAMA_KV_CACHE_TYPE": options.kv_cache_type,
    }


def _probe(path: str, serving: Serving) -> Probe:
    return Probe(
        path=path,
        port=PORT,
        command=("slm-ollama", "probe", f"http://127.0.0.1:{PORT}{path}"),
        start_seconds=serving.ollama.load_timeout_seconds + 60,
        http=True,
    )


RECIPE = Recipe(name="ollama", workload=workload, health_path="/ready")
