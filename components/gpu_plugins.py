"""What makes GPUs of nodes known: NVIDIA's device plugin to Kubernetes, the DCGM exporter to metrics.

AKS installs the driver of a GPU pool and nothing else (learn.microsoft.com/azure/aks/use-nvidia-gpu).
"""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import apps, core, networking

from components.gpu_pods import PLUGIN_SOCKETS, admin, confined, on_any_of, resources, sockets
from components.platforms.kubernetes_names import GPU_EXPORTER, GPU_PART_LABEL, name_of, tolerated
from components.platforms.kubernetes_policies import NAMESPACE_LABEL
from components.platforms.kubernetes_workload import SKIP_AWAIT
from components.workload import CONFIG_PATH, KIT_USER
from monitoring.gpu import counters

EXPORTER_PORT = 9400


class GpuPluginsArgs(TypedDict):
    """What to run and on which nodes."""

    stack: str
    namespace: str
    """Of these parts alone, made here: metrics are asked for by its name."""
    plugin_image: pulumi.Input[str]
    """NVIDIA's k8s-device-plugin."""
    exporter_image: NotRequired[pulumi.Input[str]]
    """The kit's image of docker/gpu-exporter. Default: no exporter."""
    exporter_pulled: NotRequired[bool]
    """Whether a node without that image pulls it. Default: yes."""
    scraped_from: NotRequired[Sequence[str]]
    """Namespaces that may ask the exporter. Default: none."""
    nodes: Sequence[Mapping[str, str]]
    """Labels of nodes with GPUs: those that have all of one of them, such as a pool's."""
    taints: Sequence[str]
    """Of these nodes, as key=value:effect."""
    mig: NotRequired[bool]
    """Whether GPUs are cut, each pool in instances of one size. Default: no."""


class GpuPlugins(pulumi.ComponentResource):
    """In a namespace of its own: plugins mount a folder of the node, which that of models forbids."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: GpuPluginsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slm:index:GpuPlugins", name, {}, opts)
        self._name, self._args = name, args
        self._labels = {"slm-kit.stack": args["stack"]}
        made = core.v1.Namespace(
            name,
            metadata={
                "name": args["namespace"],
                "labels": {**self._labels, "pod-security.kubernetes.io/enforce": "privileged"},
            },
            # With all that is in it: two plugins must not serve one node.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.namespace = name_of(made.metadata)
        self._daemon("device-plugin", self._plugin(), [sockets()])
        if "exporter_image" in args:
            self._export(args["exporter_image"])
        self._only_what_is_asked_for()
        self.register_outputs({"namespace": self.namespace})

    def _plugin(self) -> core.v1.ContainerArgsDict:
        mig = self._args.get("mig", False)
        env: list[core.v1.EnvVarArgsDict] = [
            # A node without a driver yet waits for it instead of failing.
            {"name": "FAIL_ON_INIT_ERROR", "value": "false"},
            {"name": "MIG_STRATEGY", "value": "single" if mig else "none"},
        ]
        if mig:
            # The container toolkit gives the control device of instances to who asks for it, and is an admin.
            env.append({"name": "NVIDIA_MIG_MONITOR_DEVICES", "value": "all"})
        return {
            "name": "device-plugin",
            "image": self._args["plugin_image"],
            "env": env,
            "security_context": admin() if mig else confined(user=0, read_only=False),
            "resources": resources(128),
            "volume_mounts": [{"name": "sockets", "mount_path": PLUGIN_SOCKETS}],
        }

    def _export(self, image: pulumi.Input[str]) -> None:
        config = core.v1.ConfigMap(
            f"{self._name}-counters",
            metadata={"namespace": self.namespace, "labels": self._labels},
            data={"dcgm_counters.csv": counters()},
            opts=pulumi.ResourceOptions(parent=self),
        )
        container: core.v1.ContainerArgsDict = {
            "name": GPU_EXPORTER,
            "image": image,
            # Hostname in its metrics is the node's (github.com/NVIDIA/dcgm-exporter/pull/129).
            "env": [{"name": "NODE_NAME", "value_from": {"field_ref": {"field_path": "spec.nodeName"}}}],
            "image_pull_policy": "IfNotPresent" if self._args.get("exporter_pulled", True) else "Never",
            "args": ["-f", f"{CONFIG_PATH}/dcgm_counters.csv"],
            "ports": [{"name": "metrics", "container_port": EXPORTER_PORT}],
            "readiness_probe": {"http_get": {"path": "/health", "port": EXPORTER_PORT}},
            "security_context": confined(user=KIT_USER, read_only=True),
            "resources": resources(256),
            "volume_mounts": [
                {"name": "counters", "mount_path": CONFIG_PATH, "read_only": True},
                {"name": "scratch", "mount_path": "/tmp"},
            ],
        }
        volumes: list[core.v1.VolumeArgsDict] = [
            {"name": "counters", "config_map": {"name": name_of(config.metadata)}},
            {"name": "scratch", "empty_dir": {"medium": "Memory", "size_limit": "16Mi"}},
        ]
        self._daemon(GPU_EXPORTER, container, volumes)
        core.v1.Service(
            f"{self._name}-metrics",
            metadata={
                "name": GPU_EXPORTER,
                "namespace": self.namespace,
                "labels": self._labels,
                # A pool may have no node.
                "annotations": SKIP_AWAIT,
            },
            spec={
                "cluster_ip": "None",
                "selector": {GPU_PART_LABEL: GPU_EXPORTER},
                "ports": [{"name": "metrics", "protocol": "TCP", "port": EXPORTER_PORT}],
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _daemon(
        self, part: str, container: core.v1.ContainerArgsDict, volumes: Sequence[core.v1.VolumeArgsDict]
    ) -> None:
        labels: Mapping[str, str] = {**self._labels, GPU_PART_LABEL: part}
        spec: core.v1.PodSpecArgsDict = {
            "automount_service_account_token": False,
            "enable_service_links": False,
            # Without the plugin no engine is placed: it goes before what it serves.
            "priority_class_name": "system-node-critical",
            "affinity": on_any_of(self._args["nodes"]),
            "tolerations": [tolerated(taint) for taint in self._args["taints"]],
            "security_context": {"seccomp_profile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": list(volumes),
        }
        apps.v1.DaemonSet(
            f"{self._name}-{part}",
            metadata={"namespace": self.namespace, "labels": labels},
            spec={
                "selector": {"match_labels": {GPU_PART_LABEL: part}},
                "update_strategy": {"type": "RollingUpdate"},
                "template": {"metadata": {"labels": labels}, "spec": spec},
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _only_what_is_asked_for(self) -> None:
        """Nothing in or out but metrics, to the namespaces that ask for them."""
        ingress: list[networking.v1.NetworkPolicyIngressRuleArgsDict] = []
        asking = self._args.get("scraped_from")
        if asking:
            ingress.append(
                {
                    "from_": [{"namespace_selector": {"match_labels": {NAMESPACE_LABEL: e}}} for e in asking],
                    "ports": [{"port": EXPORTER_PORT, "protocol": "TCP"}],
                }
            )
        networking.v1.NetworkPolicy(
            self._name,
            metadata={"namespace": self.namespace, "labels": self._labels},
            spec={
                "pod_selector": {},
                "policy_types": ["Ingress", "Egress"],
                "ingress": ingress,
                "egress": [],
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
