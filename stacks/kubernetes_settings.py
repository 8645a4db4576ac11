"""Where a stack's workloads run on Kubernetes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from catalog.azure_skus import MigProfile, cut
from catalog.azure_skus import find as find_sku
from catalog.errors import KitError
from catalog.hardware import Hardware
from catalog.hardware import find as find_hardware
from components.gpu_nodes import GPU_TAINT, POOL_LABEL, RESOURCE_TAINT, SPOT_TAINT
from stacks.base import Settings
from stacks.exposure_settings import IngressSettings, LoadBalancerSettings
from stacks.image_settings import ImageSettings, ModelImageSettings, with_registry

Taint = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9./_-]+(=[A-Za-z0-9._-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$")
]
NAMESPACE = r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"


class GpuPool(Settings):
    """Nodes with GPUs of one kind. For one of an aks stack name, sku and maxNodes say all."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    sku: str | None = None
    """Size of its machines on Azure, which says GPU and gpusPerNode (catalog/azure_skus.yaml)."""
    mig: MigProfile | None = None
    """How each GPU is cut; with sku."""
    gpu: str | None = None
    """Its name in catalog/hardware.yaml; where there is no sku."""
    gpus_per_node: Annotated[int, Field(ge=1, le=64)] | None = None
    """What a node offers as nvidia.com/gpu. Default: what the sku has, else 1."""
    max_nodes: Annotated[int, Field(ge=1, le=1000)] = 1
    selector: Annotated[Mapping[str, str], Field(min_length=1)] | None = None
    """Labels that its nodes, and no others, have. Default: slm-kit.pool: <name>, as an aks stack sets it."""
    taints: tuple[Taint, ...] = (GPU_TAINT, RESOURCE_TAINT, SPOT_TAINT)
    """Taints of its nodes that models do not mind, key=value:effect. Default: those of AKS and of GPUs."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> "GpuPool":
        if (self.sku is None) == (self.gpu is None):
            raise KitError(
                f"pool {self.name}",
                "which GPU it has is not said, or twice",
                "Give it either `sku` or `gpu`.",
            )
        if self.sku is None and self.mig is not None:
            raise KitError(f"mig of pool {self.name}", "which GPU is cut is not said", "Give the pool's sku.")
        if self.hardware.kind != "gpu":
            raise KitError(f"gpu {self.gpu!r} of pool {self.name}", "is no GPU", "Name one of hardware.yaml.")
        return self

    @property
    def hardware(self) -> Hardware:
        """The GPU, and as many as a model can get of one node."""
        if self.sku is not None:
            return cut(find_sku(self.sku), self.mig)[0]
        return find_hardware(self.gpu or "").with_gpus(self.per_node)

    @property
    def per_node(self) -> int:
        """GPUs, or instances of them, of a node."""
        if self.gpus_per_node is not None:
            return self.gpus_per_node
        return 1 if self.sku is None else cut(find_sku(self.sku), self.mig)[1]

    @property
    def labels(self) -> Mapping[str, str]:
        """What its nodes are found by."""
        return self.selector or {POOL_LABEL: self.name}


class KubernetesSettings(Settings):
    """The cluster, the namespace, and what is told to the platform."""

    images: ImageSettings
    namespace: Annotated[str, Field(pattern=NAMESPACE)] | None = None
    """Of this stack alone: it is made here, closed, and stays with the models. Default: slm-<stack>."""
    admits: tuple[Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")], ...] = ()
    """Namespaces whose pods may ask the gateway. Default: none; `kubectl port-forward` always can."""
    ingress: IngressSettings | None = None
    """The way in from outside the cluster by a controller for Ingress. Default: none."""
    load_balancer: LoadBalancerSettings | None = None
    """The way in by a load balancer of the gateway's own; not beside `ingress`. Default: none."""
    cluster: Annotated[str, Field(pattern=r"^([\w.-]+/[\w.-]+/)?[A-Za-z0-9][A-Za-z0-9_-]*$")] | None = None
    """Stack that made the cluster (target aks), `stack` or `organization/project/stack`: its output
    `kubeconfig` says where the cluster is. Default: a file says it."""
    kubeconfig: Path | None = None
    """Default: KUBECONFIG, else ~/.kube/config."""
    context: str | None = None
    """Context in the kubeconfig. Default: its current one."""
    storage_class: str | None = None
    """Of the model store and of engines' caches. Default: the cluster's."""
    disk_class: str | None = None
    """StorageClass of what Prometheus, Loki and Alertmanager keep: of disks, as none of them is made for a
    file share. Default: storageClass where sharedAccess is ReadWriteOnce, else the cluster's default."""
    shared_access: Literal["ReadWriteOnce", "ReadWriteMany"] = "ReadWriteOnce"
    """Of the model store: ReadWriteMany where models run on several nodes. Its storageClass, or the cluster's
    default where none is named, must offer it: most that are disks do not, and the claim stays pending."""
    store_gib: Annotated[int, Field(ge=1, le=16_384)] = 32
    """Size of the model store, GiB."""
    model_images: ModelImageSettings | None = None
    """Models as images, mounted read-only: no claim, and nothing is downloaded in the cluster. Default: a
    claim, which jobs fill."""
    cpu_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Part of each workload's processors that is reserved for it. Less fits more onto a small node."""
    gpu_pools: tuple[GpuPool, ...] = ()
    """Nodes with GPUs that models may run on; a model is put on the first that it fits on, or names one."""
    device_plugin: bool = False
    """Whether to run NVIDIA's device plugin on the pools, in a namespace of its own. AKS installs a driver,
    but no plugin, so there: true, in one stack of the cluster; elsewhere nodes often have one already."""
    gpu_metrics_for: Annotated[str, Field(pattern=NAMESPACE)] | None = None
    """Runs the DCGM exporter on the pools, with devicePlugin, and lets pods of this namespace ask it what
    GPUs do. The stack's own Prometheus always may, and has alerts about them: name the stack's own namespace
    if nobody else asks. Default: none runs."""
    egress_ranges: tuple[str, ...] = ()
    """Private ranges (CIDR) that downloads may reach: a mirror, a proxy. Default: public addresses only."""

    @model_validator(mode="after")
    def _hangs_together(self) -> "KubernetesSettings":
        names = [pool.name for pool in self.gpu_pools]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise KitError(f"pool {min(twice)}", "is listed twice", "List it once in gpuPools.")
        if self.device_plugin and not self.gpu_pools:
            raise KitError("devicePlugin", "no node with GPUs is named", "Name them in gpuPools.")
        if self.gpu_metrics_for is not None and not self.device_plugin:
            raise KitError("gpuMetricsFor", "the exporter runs beside the device plugin", "Set devicePlugin.")
        if self.model_images is not None and "store_gib" in self.model_fields_set:
            raise KitError("storeGib", "with modelImages there is no model store", "Remove one of them.")
        return self

    @model_validator(mode="after")
    def _pulls_what_it_has_secrets_for(self) -> "KubernetesSettings":
        models = self.model_images is not None and self.model_images.from_registry
        if self.images.pull_secrets and not (self.images.from_registry or models):
            raise KitError(
                f"images.pullSecrets beside prefix {self.images.prefix!r}",
                "the prefix names no registry, and such images are never pulled",
                f"{with_registry(self.images.prefix)}. Or, for images that were imported on the nodes, "
                "remove pullSecrets.",
            )
        return self

    @property
    def models_prefix(self) -> str | None:
        """Registry and repository of models' images; None where a claim holds the models."""
        if self.model_images is None:
            return None
        return self.model_images.prefix or self.images.prefix

    @model_validator(mode="after")
    def _is_one_cluster(self) -> "KubernetesSettings":
        if self.cluster is not None and self.kubeconfig is not None:
            raise KitError(
                f"kubernetes.cluster {self.cluster!r}",
                "stands beside kubernetes.kubeconfig",
                "Keep one of them.",
            )
        return self

    @model_validator(mode="after")
    def _has_one_way_in(self) -> "KubernetesSettings":
        if self.ingress is not None and self.load_balancer is not None:
            raise KitError("kubernetes.loadBalancer", "stands beside kubernetes.ingress", "Keep one of them.")
        return self

    @property
    def disks(self) -> str | None:
        """StorageClass of what a workload keeps alone; None for the cluster's default."""
        return self.disk_class or (self.storage_class if self.shared_access == "ReadWriteOnce" else None)

    @property
    def gpus(self) -> int:
        """GPUs of all pools."""
        return sum(pool.per_node * pool.max_nodes for pool in self.gpu_pools)

    @property
    def admitted(self) -> tuple[str, ...]:
        """Namespaces whose pods may ask the gateway, that of the controller for Ingress among them."""
        outside = (self.ingress.controller_namespace,) if self.ingress else ()
        return tuple(dict.fromkeys((*self.admits, *outside)))
