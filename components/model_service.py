"""One model on one engine, reachable by its name inside the stack."""

from typing import TypedDict

import pulumi

from catalog.models import Model
from catalog.sources import store_path
from components.engines import onnx
from components.model_store import STORE_PATH, ModelStore
from components.platform import Platform


class ModelServiceArgs(TypedDict):
    """What is served, out of which store, and where."""

    platform: Platform
    store: ModelStore
    model: Model
    variant: str
    image: pulumi.Input[str]
    """Image of the engine."""
    settings: onnx.OnnxSettings


class ModelService(pulumi.ComponentResource):
    """A model that answers at `alias:port`, for the gateway only."""

    alias: pulumi.Output[str]
    port: pulumi.Output[int]

    def __init__(self, name: str, args: ModelServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slm:index:ModelService", name, {}, opts)
        model, variant = args["model"], args["model"].variants[args["variant"]]
        fetched = args["store"].ensure(model, args["variant"])
        engine = onnx.workload(
            model,
            variant,
            f"{STORE_PATH}/{store_path(model.name, args['variant'], variant.source)}",
            args["image"],
            [args["store"].mount()],
            args["settings"],
        )
        args["platform"].run(
            name,
            engine,
            # The engine finds the model on the volume; no value says that it is there.
            pulumi.ResourceOptions(parent=self, depends_on=[fetched]),
        )
        self.alias = pulumi.Output.from_input(model.name)
        self.port = pulumi.Output.from_input(onnx.PORT)
        self.register_outputs({"alias": self.alias, "port": self.port})
