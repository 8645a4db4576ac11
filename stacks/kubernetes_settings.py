"""Where a stack's workloads run on Kubernetes."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from catalog.errors import KitError
from stacks.base import Settings


class ImageSettings(Settings):
    """Where nodes find the images of the kit: `<prefix>/<name>:<tag>`."""

    prefix: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9._/:-]*[a-z0-9])?$")] = "slm-kit"
    """Registry and repository, e.g. example.azurecr.io/slm-kit. Default: images that were imported on the
    nodes (`ctr -n k8s.io images import`, `kind load docker-image`)."""
    tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")]
    """Of all of them; another tag rolls every workload."""
    pull_secrets: tuple[str, ...] = ()
    """Names of registry credentials (type dockerconfigjson) in the namespace. Default: none."""


class KubernetesSettings(Settings):
    """The cluster, the namespace, and what is told to the platform."""

    images: ImageSettings
    namespace: Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")] | None = None
    """Of this stack alone: it is made here, closed, and stays with the models. Default: slm-<stack>."""
    admits: tuple[str, ...] = ()
    """Namespaces whose pods may ask the gateway. Default: none; `kubectl port-forward` always can."""
    cluster: Annotated[str, Field(pattern=r"^([\w.-]+/[\w.-]+/)?[A-Za-z0-9][A-Za-z0-9_-]*$")] | None = None
    """Stack that made the cluster (target aks), `stack` or `organization/project/stack`: its output
    `kubeconfig` says where the cluster is. Default: a file says it."""
    kubeconfig: Path | None = None
    """Default: KUBECONFIG, else ~/.kube/config."""
    context: str | None = None
    """Context in the kubeconfig. Default: its current one."""
    storage_class: str | None = None
    """Default: the cluster's."""
    shared_access: Literal["ReadWriteOnce", "ReadWriteMany"] = "ReadWriteOnce"
    """Of the model store: ReadWriteMany where models run on several nodes."""
    store_gib: Annotated[int, Field(ge=1, le=16_384)] = 32
    """Size of the model store, GiB."""
    cpu_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Part of each workload's processors that is reserved for it. Less fits more onto a small node."""
    gpus: Annotated[int, Field(ge=0, le=4096)] = 0
    """GPUs of all nodes that the stack may use; an update that would need more is refused."""
    egress_ranges: tuple[str, ...] = ()
    """Private ranges (CIDR) that downloads may reach: a mirror, a proxy. Default: public addresses only."""

    @model_validator(mode="after")
    def _is_one_cluster(self) -> "KubernetesSettings":
        if self.cluster is not None and self.kubeconfig is not None:
            raise KitError(
                f"kubernetes.cluster {self.cluster!r}",
                "stands beside kubernetes.kubeconfig",
                "Keep one of them.",
            )
        return self
