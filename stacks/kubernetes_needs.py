"""What a stack's cluster must have that Kubernetes itself has not."""

from collections.abc import Iterator
from dataclasses import dataclass

from stacks.kubernetes_settings import KubernetesSettings
from stacks.settings import StackSettings

KEDA_CHART = "https://kedacore.github.io/charts"


@dataclass(frozen=True)
class Need:
    """Kinds of one API group that the stack makes objects of."""

    api_version: str
    kinds: tuple[str, ...]
    of: str
    """Whose they are."""
    wanted_by: str
    """The setting that asks for them."""
    next_step: str


def needs_of(settings: StackSettings) -> tuple[Need, ...]:
    """The kinds, by group and version, that somebody must have installed before the stack comes up."""
    scaling = settings.autoscaling
    found: list[Need] = []
    changing = [model.name for model in settings.hosted if model.scaling.changes]
    if scaling.keda and changing:
        found.append(
            Need(
                "keda.sh/v1alpha1",
                ("ScaledObject", "TriggerAuthentication"),
                "KEDA",
                f"scaling of model {', '.join(changing)}",
                f"Install KEDA 2.19 or later (`helm install keda keda --repo {KEDA_CHART} --namespace "
                f"{scaling.keda_namespace} --create-namespace`), or set slm-kit:autoscaling.keda to false: "
                "then models on processors follow their CPU, and others keep one number of replicas.",
            )
        )
    if scaling.recommendations:
        found.append(
            Need(
                "autoscaling.k8s.io/v1",
                ("VerticalPodAutoscaler",),
                "the Vertical Pod Autoscaler",
                "slm-kit:autoscaling.recommendations",
                "Install it (`./hack/vpa-up.sh` in vertical-pod-autoscaler of "
                "github.com/kubernetes/autoscaler), or set recommendations to false.",
            )
        )
    return (*found, *_certificates(settings.kubernetes))


def _certificates(cluster: KubernetesSettings | None) -> Iterator[Need]:
    """Of an Ingress too, though it is only an annotation there: its certificate would never come."""
    ways = {} if cluster is None else {"ingress": cluster.ingress, "loadBalancer": cluster.load_balancer}
    for name, way in ways.items():
        if way is not None and way.tls_secret is None:
            yield Need(
                "cert-manager.io/v1",
                ("Certificate",),
                "cert-manager",
                f"kubernetes.{name}",
                "Install it (https://cert-manager.io/docs/installation), or give tlsSecret: a Secret with a "
                "certificate of yours.",
            )
