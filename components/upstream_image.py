"""An image of somebody else, pulled by the engine that runs it."""

from typing import TypedDict

import pulumi
import pulumi_docker as docker


class UpstreamImageArgs(TypedDict):
    """What to pull."""

    reference: str
    """Registry, repository, tag, and digest where it is known."""


class UpstreamImage(pulumi.ComponentResource):
    """A pulled image. `reference` is its content id. It stays on the engine when the stack goes."""

    reference: pulumi.Output[str]

    def __init__(
        self, name: str, args: UpstreamImageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slm:index:UpstreamImage", name, {}, opts)
        image = docker.RemoteImage(
            name, name=args["reference"], keep_locally=True, opts=pulumi.ResourceOptions(parent=self)
        )
        self.reference = image.image_id
        self.register_outputs({"reference": self.reference})
