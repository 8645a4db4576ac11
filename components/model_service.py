"""One model on one engine, reachable by its name inside the stack."""

from typing import TypedDict

import pulumi

from components.engines.contract import PORT, Recipe, Serving
from components.models import Models
from components.platform import Platform


class ModelServiceArgs(TypedDict):
    """What is served, out of which store, on which engine, and where."""

    platform: Platform
    store: Models
    recipe: Recipe
    serving: Serving
    image: pulumi.Input[str]
    """Image of the engine."""


class ModelService(pulumi.ComponentResource):
    """A model that answers at `alias:port`, for the gateway only."""

    alias: pulumi.Output[str]
    port: pulumi.Output[int]

    def __init__(self, name: str, args: ModelServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slm:index:ModelService", name, {}, opts)
        serving = args["serving"]
        model = args["store"].provide(serving.model, serving.variant_name)
        engine = args["recipe"].workload(serving, args["image"], [model.mount])
        args["platform"].run(
            name,
            engine,
            # The engine finds the model on the volume; no value says that it is there.
            pulumi.ResourceOptions(parent=self, depends_on=list(model.made_by)),
        )
        self.alias = pulumi.Output.from_input(serving.name)
        self.port = pulumi.Output.from_input(PORT)
        self.register_outputs({"alias": self.alias, "port": self.port})
