"""The stack that the tests of the workload layer share: one conversion of its model, which takes minutes."""

from collections.abc import Iterator

import pytest
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Namespace, PersistentVolumeClaim, Pod, Secret, Service

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.fixtures import names
from tests.kubernetes.waiting import until
from tests.kubernetes.workload_stack import NAME, NAMESPACE, WorkloadStack


@pytest.fixture(scope="session")
def stack(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkloadStack]:
    """The stack, up, with its monitoring set; gone with its namespace afterwards."""
    made = WorkloadStack(cluster, tmp_path_factory.mktemp("workloads"), watched=True)
    try:
        made.must("up")
        yield made
    finally:
        made.must("down")
        kinds = (Pod, Service, Secret, Deployment, Job)
        left = {kind.__name__: names(cluster.client.list(kind, namespace=NAMESPACE)) for kind in kinds}
        claims = names(cluster.client.list(PersistentVolumeClaim, namespace=NAMESPACE))
        cluster.client.delete(Namespace, NAMESPACE)
    until("the namespace gone", lambda: NAMESPACE not in names(cluster.client.list(Namespace)))
    assert not any(left.values()), left
    assert claims == {f"slm-kit-{NAME}-models"}, "only the models are kept"
