"""Runs workloads on one Docker engine."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NotRequired, TypedDict

import pulumi
import pulumi_docker as docker

from catalog.errors import KitError
from components.platforms.docker_container import label_list
from components.platforms.docker_workload import DockerWorkload, Networks
from components.workload import Workload

STACK_LABEL = "slm-kit.stack"


class DockerLogs(TypedDict):
    """Where the containers of a platform log to."""

    address: str
    """Fluentd's forward protocol, host:port as the engine reaches it, e.g. 127.0.0.1:24224."""
    kept: NotRequired[Sequence[str]]
    """Names of workloads whose logs stay in the engine's own files: the collector, which would feed on its
    own. Default: none."""


class DockerPlatformArgs(TypedDict):
    """What a Docker platform is made of."""

    stack: str
    """Stack name; labels everything the platform creates."""
    cpus: NotRequired[float]
    """Processors of the engine: Docker refuses a container that asks for more. Default: no bound."""
    gpus: NotRequired[Mapping[str, Sequence[int]]]
    """Numbers of the machine's GPUs by the name of the workload that they belong to."""
    logs: NotRequired[DockerLogs]
    """Default: logs stay in the engine's own files, 30 MB a container."""


class DockerPlatform(pulumi.ComponentResource):
    """Networks and the workloads in them.

    `engines` is internal: nothing in it reaches, or is reached from, the outside. So is `monitoring`, which
    is there for the parts of a monitoring set. `edge` is an ordinary bridge, for workloads that publish a
    port or need egress; `pages` is the same for the parts of a monitoring set.
    """

    def __init__(
        self, name: str, args: DockerPlatformArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slm:index:DockerPlatform", name, {}, opts)
        self._gpus = args.get("gpus", {})
        self._logs = args.get("logs")
        self._cpus = args.get("cpus", math.inf)
        self._labels = {STACK_LABEL: args["stack"]}
        self._networks = Networks(
            internal=self._network(f"{name}-engines", internal=True),
            edge=self._network(f"{name}-edge", internal=False),
            monitoring=self._network(f"{name}-monitoring", internal=True),
            pages=self._network(f"{name}-pages", internal=False),
        )
        self.register_outputs({})

    def run(
        self, name: str, workload: Workload, opts: pulumi.ResourceOptions | None = None
    ) -> DockerWorkload:
        """Run the workload; see components/platform.py."""
        if workload.certificate is not None:
            raise KitError(
                f"the certificate of workload {name}",
                "Docker has no secrets of its own",
                "Put a proxy with TLS before it, or run it on Kubernetes.",
            )
        wanted = workload.resources
        resources = replace(wanted, cpus=min(wanted.cpus, self._cpus))
        return DockerWorkload(
            name,
            {
                "workload": replace(workload, resources=resources),
                "networks": self._networks,
                "labels": self._labels,
                "gpus": self._gpus.get(name, ()),
                "log_address": self._log_address(name),
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

    def volume(self, name: str, opts: pulumi.ResourceOptions | None = None) -> pulumi.Output[str]:
        """See components/platform.py."""
        return docker.Volume(name, labels=label_list(self._labels), opts=opts).name

    def address(self, alias: str) -> str:
        """The alias itself, which the engine knows in every network; see components/platform.py."""
        return alias

    def _log_address(self, name: str) -> str | None:
        if self._logs is None or name in self._logs.get("kept", ()):
            return None
        return self._logs["address"]

    def _network(self, name: str, *, internal: bool) -> pulumi.Output[str]:
        return docker.Network(
            name,
            internal=internal,
            labels=label_list(self._labels),
            opts=pulumi.ResourceOptions(parent=self),
        ).name
