"""Whether a cluster has the kinds that a stack needs beside Kubernetes' own, asked before an update."""

from collections.abc import Callable, Sequence
from pathlib import Path

from catalog.errors import HostError, KitError
from ops.say import step
from rehearsal.backend import RefusedError, ResourceFailedError
from rehearsal.kubernetes_backend.cluster import Cluster
from rehearsal.kubernetes_backend.connection import Connection
from rehearsal.kubernetes_backend.manifest import Kind
from rehearsal.kubernetes_backend.settings import Settings
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
    path = None if kubeconfig is None else str(kubeconfig.expanduser())
    connection = Connection(Settings(kubeconfig=path, context=context))
    try:
        missing = _missing(needs, Cluster(connection))
    except RefusedError as refused:
        say(f"not asked whether the cluster has {' and '.join(need.of for need in needs)}: {refused}")
        return
    except ResourceFailedError as failed:
        said, _, fix = str(failed).partition(" Next step: ")
        raise HostError("the cluster", said, fix or "Mend what is said, and run it again.") from failed
    finally:
        connection.close()
    if missing:
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
