"""A stack that has everything there is an alert for."""

from dataclasses import replace
from datetime import date

from monitoring.watched import Slo, Watched, WatchedEngine, WatchedKey, WatchedModel

GIB = 2**30


def _model(name: str, engine: WatchedEngine | None, alias: str | None) -> WatchedModel:
    return WatchedModel(name, Slo(), 32, engine, alias)


ONNX = WatchedEngine("onnx", 180, 2 * GIB, 4)
OLLAMA = WatchedEngine("ollama", 360, 2 * GIB, 4)
ASLEEP = replace(ONNX, least_replicas=0)
VLLM = WatchedEngine("vllm", 1800, 16 * GIB, 64, gpus=1)
EVERYTHING = Watched(
    stack="everything",
    models=(
        _model("tiny", ONNX, "tiny"),
        _model("small-1.5b", OLLAMA, "small-1.5b"),
        _model("big", VLLM, "big"),
        _model("big-sql", VLLM, "big"),
        _model("outside-4.1", None, None),
        _model("asleep", ASLEEP, "asleep"),
    ),
    keys=(WatchedKey("alice", ("tiny",), date(2030, 1, 1)), WatchedKey("bob", ("tiny",))),
    certificates=(("company-root", 1_900_000_000),),
    own_certificate=True,
    gpus=1,
)
"""Three kinds of engines, one that may sleep, an adapter, an endpoint outside, a key that expires, an
authority's certificate and the gateway's, a GPU."""
NOTHING = Watched(stack="nothing", models=(_model("outside", None, None),), keys=(WatchedKey("bob", ()),))
"""An endpoint outside alone."""
