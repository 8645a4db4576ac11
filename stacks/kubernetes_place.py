"""Which namespace of its cluster a stack has."""

from components.platforms.kubernetes_names import dns_label
from stacks.kubernetes_settings import KubernetesSettings


def namespace_of(cluster: KubernetesSettings, stack: str) -> str:
    """The one that is named, else `slm-<stack>`."""
    return cluster.namespace or dns_label(f"slm-{stack}")
