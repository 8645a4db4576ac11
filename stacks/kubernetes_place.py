"""Which namespace of its cluster a stack has, or a site of one."""

from components.platforms.kubernetes_names import dns_label
from stacks.kubernetes_settings import KubernetesSettings


def namespace_of(cluster: KubernetesSettings, stack: str) -> str:
    """The one that is named, else `slm-<stack>`."""
    return cluster.namespace or dns_label(f"slm-{stack}")


def namespace_of_site(cluster: KubernetesSettings, stack: str, site: str) -> str:
    """The one that is named, else `slm-<stack>-<site>`."""
    return namespace_of(cluster, f"{stack}-{site}")
