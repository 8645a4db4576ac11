"""Whether a cluster has the kinds that a stack needs beside Kubernetes' own, asked before an update."""

from collections.abc import Callable, Sequence
from pathlib import Path

from catalog.errors import KitError
from ops.cluster_questions import asking
from ops.say import step
from rehearsal.kubernetes_backend.cluster import Cluster
from rehearsal.kubernetes_backend.manifest import Kind
from stacks.kubernetes_needs import Need


def check(
    needs: Sequence[Need], kubeconfig: Path | None, context: str | None, say: Callable[[str], None] = step
) -> None:
    """Refuse what the cluster does not serve. `kubeconfig` None: KUBECONFIG, else ~/.kube/config.

    Raises KitError that names it, HostError where no API server answers. A login that only the provider can
    do is no error: the update itself tells, and `say` that it was not asked.
    """
    if not needs:
        return
    whether = f"the cluster has {' and '.join(need.of for need in needs)}"
    with asking(whether, kubeconfig, context, say) as cluster:
        if missing := _missing(needs, cluster):
            raise _refusal(missing)


def _missing(needs: Sequence[Need], cluster: Cluster) -> list[tuple[Need, list[str]]]:
    asked = (
        (need, [kind for kind in need.kinds if cluster.served(Kind(need.api_version, kind)) is None])
        for need in needs
    )
    return [(need, kinds) for need, kinds in asked if kinds]


def _refusal(missing: Sequence[tuple[Need, list[str]]]) -> KitError:
    return KitError(
        "; ".join(need.wanted_by for need, _ in missing),
        "; ".join(
            f"needs {need.of}, and the cluster serves no {' and no '.join(kinds)} of {need.api_version}"
            for need, kinds in missing
        ),
        " ".join(need.next_step for need, _ in missing),
    )
