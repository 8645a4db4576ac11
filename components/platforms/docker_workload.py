"""One workload on a Docker engine: its files on volumes, then its containers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pulumi
import pulumi_docker as docker

from catalog.errors import KitError
from components.platforms.docker_container import (
    JOB_TIMEOUT_SECONDS,
    cpu_weight,
    finished,
    hardened,
    label_list,
    run_settings,
    shipped_logs,
)
from components.platforms.docker_files import DockerFiles
from components.workload import CONFIG_PATH, SECRETS_PATH, Kind, Mount, Update, Workload

HOST_MACHINE: docker.ContainerHostArgsDict = {"host": "host.docker.internal", "ip": "host-gateway"}


@dataclass(frozen=True)
class Networks:
    """Names of the platform's networks."""

    internal: pulumi.Output[str]
    edge: pulumi.Output[str]
    monitoring: pulumi.Output[str]
    pages: pulumi.Output[str]


class DockerWorkloadArgs(TypedDict):
    """What a workload needs to run on Docker."""

    workload: Workload
    networks: Networks
    labels: Mapping[str, str]
    """Labels of every container and volume."""
    gpus: NotRequired[Sequence[int]]
    """Numbers of the machine's GPUs that are the workload's own."""
    log_address: NotRequired[str | None]
    """Where its logs go, host:port; see shipped_logs. Default: they stay in the engine's own files."""


class DockerWorkload(pulumi.ComponentResource):
    """The containers of one workload. `containers` holds the ids, one a replica."""

    containers: pulumi.Output[list[str]]

    def __init__(
        self, name: str, args: DockerWorkloadArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slm:index:DockerWorkload", name, {}, opts)
        self._workload = args["workload"]
        self._networks = args["networks"]
        self._gpus = ",".join(str(number) for number in args.get("gpus", ()))
        self._labels = {**args["labels"], "slm-kit.workload": name}
        address = args.get("log_address")
        self._logs = shipped_logs(address) if address else {}
        files = self._files(name)
        count = self._workload.replicas
        caches = enumerate(self._workload.caches)
        self._caches = [self._cache(f"{name}-cache-{index}", path) for index, path in caches]
        names = [name] if count == 1 else [f"{name}-{index}" for index in range(count)]
        made = [self._container(each, files) for each in names]
        is_job = self._workload.kind is Kind.JOB
        self.containers = pulumi.Output.all(*[finished(each) if is_job else each.id for each in made])
        self.register_outputs({"containers": self.containers})

    def _files(self, name: str) -> list[DockerFiles]:
        """Secrets first: a check of the new configuration may have to read them."""
        workload, written = self._workload, list[DockerFiles]()
        for suffix, path, files, check in (
            ("secrets", SECRETS_PATH, workload.secret_files, ()),
            ("config", CONFIG_PATH, workload.config_files, workload.config_check),
        ):
            if files:
                written.append(
                    DockerFiles(
                        f"{name}-{suffix}",
                        {
                            "path": path,
                            "files": files,
                            "image": workload.image,
                            "user": workload.user,
                            "check": check,
                            "labels": self._labels,
                            "reads": [each.mount for each in written],
                        },
                        # The check reads what the other writer wrote; no value says so.
                        pulumi.ResourceOptions(parent=self, depends_on=list(written)),
                    )
                )
        return written

    def _container(self, name: str, files: list[DockerFiles]) -> docker.Container:
        workload = self._workload
        labels: dict[str, pulumi.Input[str]] = dict(self._labels)
        if not workload.reloads:
            # A program that reads its files once is replaced when they are written anew.
            labels |= {f"slm-kit.files.{index}": each.written for index, each in enumerate(files)}
        mounts = (*workload.mounts, *self._caches, *(each.mount for each in files))
        return docker.Container(
            name,
            image=workload.image,
            command=list(workload.command),
            envs=[f"{key}={value}" for key, value in sorted(workload.environment.items())],
            networks_advanced=self._attachments(),
            ports=[
                {"internal": each.port, "external": each.host_port, "ip": each.host_address}
                for each in workload.publish
            ],
            mounts=[mount_args(each) for each in mounts],
            gpus=f"device={self._gpus}" if self._gpus else None,
            hosts=[HOST_MACHINE] if workload.host_machine else None,
            labels=label_list(labels),
            **(hardened(workload) | cpu_weight(workload) | self._logs),
            **run_settings(workload),
            opts=pulumi.ResourceOptions(
                parent=self,
                # A reloading program must find its files at the first start; no value says so.
                depends_on=list(files),
                delete_before_replace=self._stops_first(),
                custom_timeouts=pulumi.CustomTimeouts(create=f"{JOB_TIMEOUT_SECONDS}s")
                if workload.kind is Kind.JOB
                else None,
            ),
        )

    def _cache(self, name: str, path: str) -> Mount:
        volume = docker.Volume(
            name, labels=label_list(self._labels), opts=pulumi.ResourceOptions(parent=self)
        )
        return Mount(path=path, volume=volume.name, read_only=False)

    def _stops_first(self) -> bool:
        # Two containers cannot hold one port of the machine, and a job must not run twice at once.
        workload = self._workload
        return workload.update is Update.STOP_FIRST or bool(workload.publish) or workload.kind is Kind.JOB

    def _attachments(self) -> list[docker.ContainerNetworksAdvancedArgsDict]:
        workload, attachments = self._workload, list[docker.ContainerNetworksAdvancedArgsDict]()
        aliases: list[pulumi.Input[str]] = [workload.alias] if workload.alias else []
        if workload.kind is Kind.SERVICE and workload.reaches_engines:
            attachments.append({"name": self._networks.internal, "aliases": aliases})
        if workload.watches:
            attachments.append({"name": self._networks.monitoring, "aliases": aliases})
        if workload.needs_egress or workload.publish:
            outside = self._networks.pages if workload.watches else self._networks.edge
            attachments.append({"name": outside, "aliases": aliases})
        return attachments


def mount_args(mount: Mount) -> docker.ContainerMountArgsDict:
    """A mount as the provider wants it. Raises KitError for an image."""
    if mount.image is not None:
        raise KitError(
            f"an image at {mount.path}", "Docker mounts volumes and folders here", "Use a model store."
        )
    return {
        "target": mount.path,
        "type": "volume" if mount.host_folder is None else "bind",
        "source": mount.volume if mount.host_folder is None else mount.host_folder,
        "read_only": mount.read_only,
    }
