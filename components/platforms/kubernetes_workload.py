"""One workload on a Kubernetes cluster: its files, its doors, then its pods."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import core, meta, networking

from components.platforms.kubernetes_names import (
    OBJECT_LIMIT,
    dns_label,
    labels_of,
    name_of,
    published_name,
    selector_of,
    service_name,
)
from components.platforms.kubernetes_places import Placement
from components.platforms.kubernetes_pod import pod_spec
from components.platforms.kubernetes_pods import Pods, controlled
from components.platforms.kubernetes_policies import policy
from components.platforms.kubernetes_volumes import Sources
from components.workload import Mount, Workload

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""On what is not ready before something else is: a claim before its first pod, a Service at zero replicas."""


class KubernetesWorkloadArgs(TypedDict):
    """What a workload needs to run on a cluster."""

    workload: Workload
    stack: str
    namespace: pulumi.Input[str]
    caches: Sequence[Mount]
    """Claims for the workload's `caches`."""
    placement: Placement
    scaled_to: NotRequired[int | None]
    """Most replicas, where an autoscaler owns their number: then it is not set here. Default: none does."""
    admitted: NotRequired[Sequence[str]]
    """Namespaces whose pods may ask the published ports. Default: none."""
    reachable: NotRequired[Sequence[str]]
    """Private ranges (CIDR) that count as outside. Default: none."""
    pull_secrets: NotRequired[Sequence[str]]
    """Names of registry credentials in the namespace. Default: none."""


class KubernetesWorkload(pulumi.ComponentResource):
    """A Deployment or a Job and all it needs. `object_name` is the Deployment's or the Job's name, `selector`
    are labels of its pods alone."""

    object_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: KubernetesWorkloadArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slm:index:KubernetesWorkload", name, {}, opts)
        self._args = args
        self._workload = args["workload"]
        self._name = dns_label(name, OBJECT_LIMIT)
        self.selector = selector_of(args["stack"], name)
        self._labels = {
            **labels_of(args["stack"], name, self._workload),
            **args["placement"].together,
        }
        sources = Sources(self._account(), self._config(), self._secrets(), args["caches"])
        spec = pod_spec(name, self._workload, sources, args["placement"], self.selector)
        door = self._policy()
        self._services()
        pods = Pods(
            self._name,
            self._workload,
            spec,
            self._metadata(),
            self._labels,
            self.selector,
            args.get("scaled_to"),
            bool(args["placement"].together),
        )
        # No value says that a pod must not run before somebody decided what it may reach.
        self.object_name = controlled(pods, pulumi.ResourceOptions(parent=self, depends_on=[door]))
        self.register_outputs({"object_name": self.object_name})

    @property
    def published(self) -> str:
        """Service of the ports that the workload publishes, with its `host_port`s."""
        return published_name(self._workload.alias or self._name)

    def _metadata(
        self, name: str | None = None, annotations: Mapping[str, str] | None = None
    ) -> meta.v1.ObjectMetaArgsDict:
        """Labels and namespace; a name only where something outside looks it up."""
        metadata: meta.v1.ObjectMetaArgsDict = {"namespace": self._args["namespace"], "labels": self._labels}
        if name is not None:
            metadata["name"] = name
        if annotations is not None:
            metadata["annotations"] = annotations
        return metadata

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _account(self) -> pulumi.Output[str]:
        account = core.v1.ServiceAccount(
            self._name,
            metadata=self._metadata(),
            automount_service_account_token=False,
            # Not an empty list: the server keeps none, and a refresh would tell of a change.
            image_pull_secrets=[{"name": each} for each in self._args.get("pull_secrets", ())] or None,
            opts=self._child(),
        )
        return name_of(account.metadata)

    def _config(self) -> pulumi.Output[str] | None:
        if not self._workload.config_files:
            return None
        config = core.v1.ConfigMap(
            f"{self._name}-config",
            metadata=self._metadata(),
            data=dict(self._workload.config_files),
            immutable=self._replaced_with_its_files(),
            opts=self._child(),
        )
        return name_of(config.metadata)

    def _secrets(self) -> pulumi.Output[str] | None:
        files = self._workload.secret_files
        if not files:
            return None
        secret = core.v1.Secret(
            f"{self._name}-secrets",
            metadata=self._metadata(),
            string_data={key: pulumi.Output.secret(value) for key, value in files.items()},
            immutable=self._replaced_with_its_files(),
            opts=self._child(),
        )
        return name_of(secret.metadata)

    def _replaced_with_its_files(self) -> bool | None:
        # An immutable object with new content is a new object with a new name: that rolls the pods, without a
        # digest of a secret anywhere, and pods of the old kind keep the old files until they are gone.
        return None if self._workload.reloads else True

    def _policy(self) -> pulumi.Resource:
        args = self._args
        return networking.v1.NetworkPolicy(
            self._name,
            metadata=self._metadata(),
            spec=policy(
                args["stack"],
                self.selector,
                self._workload,
                admitted=args.get("admitted", ()),
                reachable=args.get("reachable", ()),
            ),
            opts=self._child(),
        )

    def _services(self) -> None:
        workload = self._workload
        if workload.alias is not None:
            name = service_name(workload.alias)
            ports = {port: port for port in workload.ports}
            self._service(self._name, name, ports, _alias_form(workload))
        if workload.publish:
            ports = {each.host_port: each.port for each in workload.publish}
            self._service(f"{self._name}-published", self.published, ports, {"type": "ClusterIP"})

    def _service(
        self, resource: str, name: str, ports: Mapping[int, int], form: core.v1.ServiceSpecArgsDict
    ) -> None:
        # Aliases are of one namespace, and a stack of sites has several: the workload's name is the stack's.
        core.v1.Service(
            resource,
            metadata=self._metadata(name, SKIP_AWAIT),
            spec={
                **form,
                "selector": self.selector,
                "ports": [
                    {"name": f"tcp-{port}", "protocol": "TCP", "port": port, "target_port": target}
                    for port, target in sorted(ports.items())
                ],
            },
            opts=self._child(),
        )


def _alias_form(workload: Workload) -> core.v1.ServiceSpecArgsDict:
    """Each ready replica is an address of the name; but who takes logs has one that stays.

    A name without an address makes HAProxy drop lines; while nothing answers at one it keeps them
    (components/gateway/collector.py).
    """
    if workload.logs_port is not None:
        return {"type": "ClusterIP"}
    return {"cluster_ip": "None", "publish_not_ready_addresses": False}
