"""Runs workloads on a Kubernetes cluster, 1.30 or later (docs/adr/0019-kubernetes.md)."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import Provider, core

from components.platforms.kubernetes_checks import check, check_gpus, check_place
from components.platforms.kubernetes_claims import AccessMode, Claim, claimed
from components.platforms.kubernetes_names import (
    NODE_LABEL,
    STACK_LABEL,
    digest_of,
    dns_label,
    full_name,
    same_name,
)
from components.platforms.kubernetes_namespace import KubernetesNamespace, KubernetesNamespaceArgs
from components.platforms.kubernetes_places import WATCHING_SHARE, Placement
from components.platforms.kubernetes_workload import KubernetesWorkload
from components.workload import Mount, Workload

VOLUME_GIB = 32
"""Size of a volume that nobody named one for."""


class KubernetesPlatformArgs(TypedDict):
    """What a Kubernetes platform is made of. Mappings are by the name of the workload or volume."""

    stack: str
    """Stack name; labels everything the platform creates."""
    namespace: str
    """Of the stack alone: it is made, and closed, by the platform. It stays when the stack goes, with the
    volumes that are kept."""
    provider: NotRequired[Provider]
    """The cluster; see kubernetes_provider.py for the settings it must have. Default: Pulumi's own."""
    keeper: NotRequired[Provider]
    """The same cluster, for the namespace and the kept volumes: it finds what an earlier stack of the name
    left. Default: `provider`."""
    storage_class: NotRequired[str]
    """Of volumes that several mount. Default: the cluster's."""
    disk_class: NotRequired[str]
    """StorageClass of volumes that one workload has alone. Default: the cluster's."""
    shared_access: NotRequired[AccessMode]
    """Of volumes that several mount. Default: ReadWriteOnce, which keeps all who do on one node."""
    volume_gib: NotRequired[Mapping[str, int]]
    """Sizes of volumes, GiB; a cache is `<workload>-cache-<number>`. Default: 32 each."""
    quota: NotRequired[Mapping[str, str]]
    """Most that all pods of the namespace may ask for. Default: no bound."""
    limits: NotRequired[Sequence[core.v1.LimitRangeItemArgsDict]]
    """Bounds of a single pod, container or claim. Default: none."""
    node_selectors: NotRequired[Mapping[str, Mapping[str, str]]]
    """Labels of the nodes that a workload may run on. Default: any node."""
    tolerations: NotRequired[Mapping[str, Sequence[core.v1.TolerationArgsDict]]]
    """Further taints that a workload does not mind, e.g. of spot nodes. Those of GPU nodes are known."""
    priority_classes: NotRequired[Mapping[str, str]]
    """PriorityClass of a workload; it must exist. Default: the cluster's."""
    cpu_share: NotRequired[float]
    """Part of each workload's processors that is reserved for it, above 0 to 1; the limit stays as it is.
    Default: 1. Less fits more onto a small node, and slows all down when all work."""
    gpus_available: NotRequired[int]
    """GPUs of all nodes that the stack may use: what they cannot hold is refused. Default: not checked."""
    scaled: NotRequired[Mapping[str, int]]
    """Most replicas of workloads whose number an autoscaler owns. Default: none."""
    admits: NotRequired[Mapping[str, Sequence[str]]]
    """Namespaces whose pods may ask the ports that a workload publishes. Default: none."""
    reachable_ranges: NotRequired[Sequence[str]]
    """Private ranges (CIDR) that are outside for workloads with egress, e.g. a mirror. Default: none."""
    pull_secrets: NotRequired[Sequence[str]]
    """Names of registry credentials (type dockerconfigjson) in the namespace. Default: none."""
    images_on_nodes: NotRequired[str]
    """Prefix of images that are never pulled. Default: what a node does not have is."""


class KubernetesPlatform(pulumi.ComponentResource):
    """A closed namespace and the workloads in it, on Kubernetes 1.30 or later (`preStop.sleep`).

    What a cluster has no counterpart for: a published port is a Service `<alias>-published`, which namespaces
    in `admits` may ask (`kubectl port-forward` always can); with an address other than loopback everybody
    who reaches the cluster's network may, without TLS. There is no `host.docker.internal`. A folder of the
    host and a user of root's id are refused.
    """

    def __init__(
        self, name: str, args: KubernetesPlatformArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        mine = pulumi.ResourceOptions(provider=args.get("provider"))
        super().__init__("slm:index:KubernetesPlatform", name, {}, pulumi.ResourceOptions.merge(mine, opts))
        check_place(args["namespace"], args.get("reachable_ranges", ()), args.get("cpu_share", 1))
        self._args = args
        self._cluster = mine
        self._keeper = pulumi.ResourceOptions(provider=args.get("keeper", args.get("provider")))
        self._labels = {STACK_LABEL: dns_label(args["stack"])}
        self._workloads: dict[str, Workload] = {}
        self._running: dict[str, KubernetesWorkload] = {}
        self._own: list[pulumi.Output[str]] = []
        wanted: KubernetesNamespaceArgs = {"stack": args["stack"], "namespace": args["namespace"]}
        if "quota" in args:
            wanted["quota"] = args["quota"]
        if "limits" in args:
            wanted["limits"] = args["limits"]
        found = pulumi.ResourceOptions.merge(self._keeper, pulumi.ResourceOptions(parent=self))
        self.namespace = KubernetesNamespace(name, wanted, found).namespace
        self.register_outputs({"namespace": self.namespace})

    def run(
        self, name: str, workload: Workload, opts: pulumi.ResourceOptions | None = None
    ) -> KubernetesWorkload:
        """Run the workload; see components/platform.py. Raises KitError for what a cluster cannot run."""
        args = self._args
        same_name(name, self._workloads)
        check(name, workload)
        self._workloads[name] = workload
        if "gpus_available" in args:
            check_gpus(self._workloads, args["gpus_available"])
        options = pulumi.ResourceOptions.merge(self._cluster, opts)
        self._running[name] = KubernetesWorkload(
            name,
            {
                "workload": workload,
                "stack": args["stack"],
                "namespace": self.namespace,
                "caches": self._caches(name, workload, options),
                "placement": self._placement(name, workload),
                "scaled_to": args.get("scaled", {}).get(name),
                "admitted": args.get("admits", {}).get(name, ()),
                "reachable": args.get("reachable_ranges", ()),
                "pull_secrets": args.get("pull_secrets", ()),
            },
            options,
        )
        return self._running[name]

    def running(self, name: str) -> KubernetesWorkload:
        """The workload that `run` was called for under this name, e.g. to scale it. Raises KeyError."""
        return self._running[name]

    def address(self, alias: str) -> str:
        """The full name of the alias' Service: the gateway's resolver knows no search domains."""
        return full_name(alias, self._args["namespace"])

    def kept_volume(self, name: str, opts: pulumi.ResourceOptions | None = None) -> pulumi.Output[str]:
        """`kept_name(name)`; see components/platform.py."""
        kept = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True))
        return self._claim(name, kept, shared=True, fixed=self.kept_name(name))

    def kept_name(self, name: str) -> str:
        """`slm-kit-<stack>-<name>`, and a digest of storage class and access where these are not the default.

        Neither can be changed in a claim that is there: others are another claim, which is filled anew, and
        the former stays until somebody deletes it.
        """
        form = (self._args.get("storage_class"), self._shared())
        end = "" if form == (None, "ReadWriteOnce") else f"-{digest_of(*form)}"
        return dns_label(f"slm-kit-{self._args['stack']}-{name}{end}")

    def volume(self, name: str, opts: pulumi.ResourceOptions | None = None) -> pulumi.Output[str]:
        """See components/platform.py. Its group is the kit's, which every pod's user is in."""
        self._own.append(self._claim(name, opts, shared=False))
        return self._own[-1]

    def _caches(self, name: str, workload: Workload, opts: pulumi.ResourceOptions) -> list[Mount]:
        claims = [f"{name}-cache-{index}" for index, _ in enumerate(workload.caches)]
        owner = pulumi.ResourceOptions(parent=opts.parent or self)
        return [
            Mount(path=path, volume=self._claim(claim, owner, shared=True), read_only=False)
            for claim, path in zip(claims, workload.caches, strict=True)
        ]

    def _shared(self) -> AccessMode:
        return self._args.get("shared_access", "ReadWriteOnce")

    def _together(self, name: str, workload: Workload) -> dict[str, str]:
        """What the pods have in common that mount a volume of one node's, and that others mount too."""
        if self._shared() != "ReadWriteOnce":
            return {}
        # Names of claims are not known yet; that it is the very same Output is.
        volumes = [each.volume for each in workload.mounts if each.volume is not None]
        if any(all(volume is not own for own in self._own) for volume in volumes):
            return {**self._labels, NODE_LABEL: "kept"}
        return {**self._labels, NODE_LABEL: dns_label(f"{name}-caches")} if workload.caches else {}

    def _placement(self, name: str, workload: Workload) -> Placement:
        args = self._args
        return Placement(
            node_selector=args.get("node_selectors", {}).get(name, {}),
            tolerations=args.get("tolerations", {}).get(name, ()),
            priority_class=args.get("priority_classes", {}).get(name),
            cpu_share=args.get("cpu_share", 1) * (WATCHING_SHARE if workload.watches else 1),
            together=self._together(name, workload),
            images_on_nodes=args.get("images_on_nodes"),
        )

    def _claim(
        self, name: str, opts: pulumi.ResourceOptions | None, *, shared: bool, fixed: str | None = None
    ) -> pulumi.Output[str]:
        args = self._args
        gib = args.get("volume_gib", {}).get(name, VOLUME_GIB)
        access = self._shared() if shared else "ReadWriteOnce"
        kind = args.get("storage_class") if shared else args.get("disk_class")
        wanted = Claim(self.namespace, self._labels, access, gib, kind, fixed)
        keeping = self._keeper if fixed else self._cluster
        return claimed(name, wanted, pulumi.ResourceOptions.merge(keeping, opts))
