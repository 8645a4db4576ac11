"""Runs workloads on one Docker engine."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NotRequired, TypedDict

import pulumi
import pulumi_docker as docker

from components.platforms.docker_container import label_list
from components.platforms.docker_workload import DockerWorkload, Networks
from components.workload import Workload

STACK_LABEL = "slm-kit.stack"


class DockerPlatformArgs(TypedDict):
    """What a Docker platform is made of."""

    stack: str
    """Stack name; labels everything the platform creates."""
    cpus: NotRequired[float]
    """Processors of the engine: Docker refuses a container that asks for more. Default: no bound."""
    gpus: NotRequired[Mapping[str, Sequence[int]]]
    """Numbers of the machine's GPUs by the name of the workload that they belong to."""


class DockerPlatform(pulumi.ComponentResource):
    """Two networks and the workloads in them.

    `engines` is internal: nothing in it reaches, or is reached from, the outside. `edge` is an
    ordinary bridge, for workloads that publish a port or need egress.
    """

    def __init__(
        self, name: str, args: DockerPlatformArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slm:index:DockerPlatform", name, {}, opts)
        self._gpus = args.get("gpus", {})
        self._cpus = args.get("cpus", math.inf)
        self._labels = {STACK_LABEL: args["stack"]}
        self._networks = Networks(
            internal=self._network(f"{name}-engines", internal=True),
            edge=self._network(f"{name}-edge", internal=False),
        )
        self.register_outputs({})

    def run(
        self, name: str, workload: Workload, opts: pulumi.ResourceOptions | None = None
    ) -> DockerWorkload:
        """Run the workload; see components/platform.py."""
        wanted = workload.resources
        resources = replace(wanted, cpus=min(wanted.cpus, self._cpus))
        return DockerWorkload(
            name,
            {
                "workload": replace(workload, resources=resources),
                "networks": self._networks,
                "labels": self._labels,
                "gpus": self._gpus.get(name, ()),
            },
            opts,
        )

    def kept_volume(self, name: str, opts: pulumi.ResourceOptions | None = None) -> pulumi.Output[str]:
        """`slm-kit-<stack>-<name>`; see components/platform.py."""
        return docker.Volume(
            name,
            name=f"slm-kit-{self._labels[STACK_LABEL]}-{name}",
            labels=label_list(self._labels),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True)),
        ).name

    def _network(self, name: str, *, internal: bool) -> pulumi.Output[str]:
        return docker.Network(
            name,
            internal=internal,
            labels=label_list(self._labels),
            opts=pulumi.ResourceOptions(parent=self),
        ).name
