"""What a cluster is asked before an update."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from catalog.errors import HostError
from ops.say import step
from rehearsal.backend import RefusedError, ResourceFailedError
from rehearsal.kubernetes_backend.cluster import Cluster
from rehearsal.kubernetes_backend.connection import Connection
from rehearsal.kubernetes_backend.settings import Settings


@contextlib.contextmanager
def asking(
    whether: str, kubeconfig: Path | None, context: str | None, say: Callable[[str], None] = step
) -> Iterator[Cluster]:
    """The cluster, to be asked `whether`. `kubeconfig` None: KUBECONFIG, else ~/.kube/config.

    A login that only the provider can do is no error: the block ends there, as `say` is told, and the
    update itself tells.
    Raises HostError where no API server answers, or it refuses to.
    """
    path = None if kubeconfig is None else str(kubeconfig.expanduser())
    connection = Connection(Settings(kubeconfig=path, context=context))
    try:
        yield Cluster(connection)
    except RefusedError as refused:
        say(f"not asked whether {whether}: {refused}")
    except ResourceFailedError as failed:
        said, _, fix = str(failed).partition(" Next step: ")
        raise HostError("the cluster", said, fix or "Mend what is said, and run it again.") from failed
    finally:
        connection.close()
