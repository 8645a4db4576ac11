"""vLLM: the recipe that turns a model and its settings into a Workload, for GPUs or for processors."""

from collections.abc import Mapping, Sequence

import pulumi

from components.engines.contract import PORT, Recipe, Serving
from components.engines.vllm.checks import check
from components.engines.vllm.flags import flags, shutdown_timeout
from components.workload import Mount, Probe, Resources, Workload

USER = 2000
"""`vllm` of the upstream image. The CPU image has no such user and needs none."""

LINGER_SECONDS = 15
"""Between leaving the gateway's list and the stop signal, where a platform can do that. vLLM cannot: it
answers /health with 200 until it has drained."""

EXIT_SECONDS = 15
"""From the last answer to the end of the processes: what the devices hold is given back."""

_PROBE = (
    "import sys,urllib.request as r;"
    "r.build_opener(r.ProxyHandler({})).open(sys.argv[1],timeout=float(sys.argv[2]))"
)


def workload(serving: Serving, image: pulumi.Input[str], mounts: Sequence[Mount]) -> Workload:
    """The vLLM server for one model out of the store. Raises KitError for what cannot work."""
    check(serving)
    options = serving.vllm
    # A volume that a platform makes takes over owner and mode of the image's folder: the user's home
    # in the one image, the folder that is everybody's in the other.
    home = "/home/vllm" if serving.gpus else "/var/tmp"
    return Workload(
        image=image,
        command=flags(serving),
        environment=_environment(serving, home),
        resources=Resources(
            memory_mib=serving.memory_mib,
            cpus=serving.cpus,
            gpus=serving.gpus,
            shared_memory_mib=options.shared_memory_mib or (2048 if serving.gpus > 1 else 1024),
        ),
        alias=serving.name,
        replicas=serving.replicas,
        ports=(PORT,),
        # The server has one thread for requests and probes: a slow answer is not a dead engine.
        readiness=_probe(_start_seconds(serving), failures=3),
        liveness=_probe(_start_seconds(serving), failures=6),
        mounts=tuple(mounts),
        # Compiled kernels are loaded from there: from a memory file system nothing may be run.
        caches=(home,),
        writable={"/tmp": 512},
        user=USER,
        needs_egress=bool(options.allowed_media_domains),
        update=serving.replaced,
        drain_seconds=LINGER_SECONDS + shutdown_timeout(serving) + EXIT_SECONDS,
        metrics_path="/metrics",
    )


def served_names(serving: Serving) -> tuple[str, ...]:
    """What a request's `model` may be: the public model id, then the adapters."""
    return (serving.name, *sorted(serving.vllm.lora_adapters))


def _environment(serving: Serving, home: str) -> Mapping[str, str]:
    cache = f"{home}/.cache"
    processors = {
        # Threads are not bound: a limit of processors is a share of time, and vLLM would bind a thread to
        # each one it sees. One is left to the server, as vLLM's guide for processors advises.
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": str(max(1, int(serving.cpus) - 1)),
    }
    return {
        "HOME": home,
        "USER": "vllm",
        "XDG_CACHE_HOME": cache,
        "VLLM_CACHE_ROOT": f"{cache}/vllm",
        "VLLM_CONFIG_ROOT": f"{home}/.config/vllm",
        "HF_HOME": f"{cache}/huggingface",
        "TRITON_CACHE_DIR": f"{cache}/triton",
        "TORCHINDUCTOR_CACHE_DIR": f"{cache}/torchinductor",
        "CUDA_CACHE_PATH": f"{cache}/cuda",
        "CCACHE_DIR": f"{cache}/ccache",
        # All of the model is in the store.
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_MAX_N_SEQUENCES": str(serving.vllm.max_n_sequences),
        "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0",
        **({} if serving.gpus else processors),
    }


def _start_seconds(serving: Serving) -> int:
    """Imports, compilation and CUDA graphs take minutes, whatever the model; a network disk reads
    50 MB a second."""
    wanted = serving.vllm.start_seconds
    return min(1800, 600 + serving.variant.bytes // 50_000_000) if wanted is None else wanted


def _probe(start_seconds: int, failures: int) -> Probe:
    timeout = 5
    return Probe(
        path="/health",
        port=PORT,
        command=("python3", "-c", _PROBE, f"http://127.0.0.1:{PORT}/health", str(timeout)),
        interval_seconds=10,
        timeout_seconds=timeout + 1,
        failures=failures,
        start_seconds=start_seconds,
        http=True,
    )


RECIPE = Recipe(name="vllm", workload=workload, health_path="/health")
