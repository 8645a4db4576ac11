"""The stack that is measured: one model on every engine that runs here, with the same processors, watched."""

import yaml

from catalog.errors import KitError
from ops.paths import example_file, stack_file

STACK = "kit-bench"
PORT = 18282
MONITORING_PORTS = {"prometheus": 19190, "alertmanager": 19193, "grafana": 13101, "collector": 24424}
MODEL = "smollm2-135m-instruct"
CONTEXT = 512
SLOTS = 8
CPUS = 2

SERVICES = {"onnx": MODEL, "ollama": f"{MODEL}-ollama"}
"""Public name by engine."""


def prepare() -> None:
    """Write the stack's file: the example, with both engines on a port of its own."""
    if stack_file(STACK).exists():
        raise KitError(
            f"stack {STACK}", "is left from a bench that was cut off", f"make down purge STACK={STACK} YES=1"
        )
    example = yaml.safe_load(example_file("local-docker").read_text())
    config = example["config"]
    config["slm-kit:gatewayPort"] = PORT
    common = {"model": MODEL, "contextLength": CONTEXT, "concurrency": SLOTS, "cpus": CPUS}
    config["slm-kit:models"] = [
        {"name": name, "engine": engine, **common} for engine, name in SERVICES.items()
    ]
    config["slm-kit:keys"] = [{"id": "default"}]
    config["slm-kit:monitoring"] = {"ports": MONITORING_PORTS}
    stack_file(STACK).write_text(yaml.safe_dump(example))
