"""An image of the kit's own, built from docker/<folder> on the engine that runs it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

import pulumi
import pulumi_docker as docker


class ContainerImageArgs(TypedDict):
    """What to build and on what."""

    folder: str
    """Folder under docker/ with the Dockerfile; it is the whole build context."""
    base: str
    """Image that the final stage is built on (build argument BASE)."""
    build_base: str
    """Image that build stages use (build argument BUILD_BASE): base plus the machine's authorities
    and package index, none of which reach the final image."""
    proxies: NotRequired[Mapping[str, pulumi.Input[str]]]
    """HTTP_PROXY, HTTPS_PROXY, NO_PROXY for the build. Docker knows these names and keeps them out of
    an image's history."""
    build_args: NotRequired[Mapping[str, str]]
    """Further build arguments, as the Dockerfile declares them."""
    dockerfile: NotRequired[str]
    """Name of the file in the folder. Default: Dockerfile."""
    stack: str
    """Stack name; part of the tag, so that two stacks never move each other's images."""
    target: str
    """Stage of the Dockerfile to build. Stages after it (tests) are not built."""
    after: NotRequired[Sequence[pulumi.Resource]]
    """What must be there first. Default: nothing."""


class ContainerImage(pulumi.ComponentResource):
    """A locally built image. `reference` is its content id: it changes exactly when the image does."""

    reference: pulumi.Output[str]

    def __init__(
        self, name: str, args: ContainerImageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slm:index:ContainerImage", name, {}, opts)
        context = Path("docker") / args["folder"]
        build: docker.DockerBuildArgsDict = {
            "context": str(context),
            "dockerfile": str(context / args.get("dockerfile", "Dockerfile")),
            "target": args["target"],
            "args": {
                "BASE": args["base"],
                "BUILD_BASE": args["build_base"],
                **args.get("build_args", {}),
                **args.get("proxies", {}),
            },
        }
        image = docker.Image(
            name,
            image_name=f"slm-kit/{name}:{args['stack']}",
            build=build,
            skip_push=True,
            # A long build must not hold up what is more urgent; no value says so.
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.get("after", ()))),
        )
        self.reference = image.repo_digest
        self.register_outputs({"reference": self.reference})
