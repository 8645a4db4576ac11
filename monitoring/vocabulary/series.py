"""What a recorded series is, and in which stacks it exists."""

from dataclasses import dataclass
from enum import StrEnum

from monitoring.watched import Watched

BURN_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")


class For(StrEnum):
    """What must be in a stack for a series to exist."""

    MODEL = "every model"
    ENGINE = "every engine of the stack"
    KV_CACHE = "engines that tell how full their KV cache is"
    VLLM = "vLLM"
    ONNX_OLLAMA = "ONNX and Ollama"
    PRICE = "models with a price"
    EXPIRY = "keys that expire"
    CERTIFICATE = "stacks with certificates"
    OWN_CERTIFICATE = "stacks whose gateway ends TLS"
    GPU = "stacks with a GPU"
    MACHINE = "stacks on a machine of their own"
    STACK = "every stack"


@dataclass(frozen=True)
class Series:
    """One recorded series."""

    name: str
    labels: tuple[str, ...]
    unit: str
    """Grafana's unit id."""
    meaning: str
    exists_for: For = For.MODEL

    def exists_in(self, watched: Watched) -> bool:
        """Whether a stack records it."""
        names = {model.engine_name for model in watched.engines}
        return {
            For.MODEL: bool(watched.models),
            For.ENGINE: bool(watched.engines),
            For.KV_CACHE: bool(names & {"onnx", "vllm"}),
            For.VLLM: "vllm" in names,
            For.ONNX_OLLAMA: bool(names & {"onnx", "ollama"}),
            For.PRICE: any(model.price for model in watched.models),
            For.EXPIRY: any(key.expires for key in watched.keys),
            For.CERTIFICATE: bool(watched.certificates),
            For.OWN_CERTIFICATE: watched.own_certificate,
            For.GPU: watched.gpus > 0,
            For.MACHINE: not watched.cluster,
            For.STACK: True,
        }[self.exists_for]
