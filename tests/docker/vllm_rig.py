"""The stand-in for vLLM in a container, run as the recipe says and confined as a platform does it."""

import httpx
from openai.types.chat import ChatCompletionFunctionToolParam, ChatCompletionMessageParam

from catalog.models import find
from components.engines.contract import Serving
from components.engines.vllm.recipe import RECIPE
from components.gateway.config import KeyGrant, Route
from components.workload import Mount, Workload
from tests.conftest import ROOT
from tests.docker.gateway_parts import StubEngine, published, until
from tests.docker.gateway_rig import GatewayRig

MODEL = "qwen3-8b"
SLOTS = 2
CONTEXT = 256
QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is the capital of France?"}]
TOOL: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        },
    },
}
STAND_IN = ("python3", "-m", "tests.docker.vllm_stand_in", "/stand-in/tests/data/vllm")
"""In place of the image's `vllm serve`."""

MOUNTS = {str(ROOT / "tests"): {"bind": "/stand-in/tests", "mode": "ro"}}


def workload() -> Workload:
    """What the kit would run."""
    serving = Serving(
        name=MODEL,
        model=find(MODEL),
        variant_name="vllm-bf16",
        folder="/stand-in/tests/data",
        context_length=CONTEXT,
        concurrency=SLOTS,
        max_queue=SLOTS,
        cpus=2,
        memory_mib=24_000,
        gpus=1,
        drain_seconds=20,
    )
    return RECIPE.workload(serving, "stand-in", [Mount(path="/models", volume="unused")])


class VllmEngine(StubEngine):
    """The stand-in's container."""

    def metrics(self) -> dict[str, float]:
        """The series as they are scraped, without labels but the reason."""
        text = httpx.get(f"http://127.0.0.1:{published(self.container, 8000)}/metrics", timeout=5).text
        found = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, _, rest = line.partition("{")
                reason = rest.partition('finished_reason="')[2].partition('"')[0]
                found[f"{name}:{reason}" if reason else name] = float(line.rsplit(" ", 1)[1])
        return found

    def ready_inside(self) -> bool:
        """Whether the recipe's own probe finds it well."""
        probe = workload().readiness
        return probe is not None and self.container.exec_run(list(probe.command)).exit_code == 0

    def lines(self) -> list[str]:
        return [entry["line"] for entry in self.log()]


def start(rig: GatewayRig) -> VllmEngine:
    """The stand-in in place of the image's `vllm serve`; nothing else of the workload is changed."""
    wanted, network = workload(), str(rig.network.name)
    return VllmEngine(
        rig.client.containers.run(
            rig.stub_image,
            list(wanted.command),
            entrypoint=list(STAND_IN),
            working_dir="/stand-in",
            detach=True,
            environment=dict(wanted.environment),
            user=f"{wanted.user}:{wanted.user}",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            tmpfs=dict.fromkeys((*wanted.writable, *wanted.caches), f"size=8m,mode=0700,uid={wanted.user}"),
            volumes=MOUNTS,
            labels=rig.labels,
            ports={"8000/tcp": ("127.0.0.1", 0), "9000/tcp": ("127.0.0.1", 0)},
            network=network,
            networking_config={network: rig.client.api.create_endpoint_config(aliases=[MODEL])},
        )
    )


def serve(rig: GatewayRig) -> VllmEngine:
    """A gateway with one model, and the engine behind it."""
    rig.routes = (Route(MODEL, MODEL, health_path=RECIPE.health_path, max_concurrency=SLOTS, max_queue=8),)
    rig.grants = (KeyGrant("alice", ("*",)),)
    rig.write_config()
    rig.write_keys()
    rig.start()
    engine = start(rig)
    # The gateway takes a server for well from the moment its name is known until a check has failed.
    if not until(engine.ready_inside, 30):
        raise TimeoutError(f"the stand-in does not answer: {engine.container.logs()!r}")
    rig.wait_until_up(MODEL)
    return engine
