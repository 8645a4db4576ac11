"""Model folder to running engine and HTTP application."""

import onnxruntime

from onnx_server.core.engine import Engine
from onnx_server.core.model import ModelInfo
from onnx_server.core.runner import Runner
from onnx_server.settings import Settings
from onnx_server.text.codec import TextCodec
from onnx_server.web.app import Api
from onnx_server.web.generation import Services
from onnx_server.web.lifecycle import Lifecycle
from onnx_server.web.metrics import Metrics


def build(settings: Settings, info: ModelInfo, *, context_length: int, threads: int) -> Api:
    """Load the model and start its engine. Raises ModelRefusedError."""
    codec = TextCodec(info)
    runner = Runner(
        info,
        slots=settings.slots,
        context_length=context_length,
        chunk=min(settings.prefill_chunk, context_length),
        threads=threads,
    )
    runner.warm_up()
    engine = Engine(runner, queue_limit=settings.queue)
    engine.start()
    name = settings.served_name
    metrics = Metrics(engine, model=name, runtime=onnxruntime.__version__)
    return Api(Services(engine, codec, metrics), Lifecycle(), name)
