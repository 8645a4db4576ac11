"""Who meets whom in a stack's namespace, where the cluster's network enforces NetworkPolicies."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from lightkube.codecs import load_all_yaml
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Pod

from tests.kubernetes.client_pod import client_pod
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.waiting import until
from tests.kubernetes.workload_stack import MODEL, NAME, NAMESPACE, TAG

pytestmark = pytest.mark.docker

IMAGE = f"slm-kit/onnx-server:{TAG}"
SCRIPT = """
import json, socket, sys, time
def meets(place):
    host, port = place.rsplit(":", 1)
    for _ in range(3):
        try:
            socket.create_connection((host, int(port)), 3).close()
            return True
        except OSError:
            time.sleep(1)
    return False
print(json.dumps({each: meets(each) for each in sys.argv[1:]}), flush=True)
time.sleep(3600)
"""
SERVER = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: "{{ namespace }}"}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: "{{ namespace }}"}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 0
  securityContext: {runAsNonRoot: true, runAsUser: 10001, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: main
      image: "{{ image }}"
      imagePullPolicy: Never
      command: [python, -m, http.server, "8000", --directory, /proc/self/fd]
      readinessProbe: {tcpSocket: {port: 8000}, periodSeconds: 1}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
"""
GATEWAY, METRICS, ENGINE = "gateway-published:8080", "gateway:8405", f"{MODEL}:8000"
PROMETHEUS, LOKI, LOGS = "prometheus:9090", "loki:3100", "collector:8007"
API = "kubernetes.default.svc:443"
PLACES = (GATEWAY, METRICS, ENGINE, PROMETHEUS, LOKI, LOGS, API)
MAY_MEET: Mapping[str, Sequence[str]] = {
    "nobody": (),
    "client": (GATEWAY,),
    "engine": (),
    "job": (),
    "scraper": (METRICS, ENGINE, PROMETHEUS, LOKI),
}
"""By role, of PLACES."""


@pytest.mark.usefixtures("stack")
def test_each_role_meets_whom_it_may_and_nobody_else(cluster: Cluster, namespace: str) -> None:
    if not _enforced(cluster, namespace):
        pytest.skip("this cluster's network does not enforce NetworkPolicies: they are rendered only")
    met = {role: _met(cluster, NAMESPACE, role, PLACES) for role in MAY_MEET}
    assert met == {role: set(places) for role, places in MAY_MEET.items()}


def _enforced(cluster: Cluster, namespace: str) -> bool:
    """Whether a pod that a policy closes cannot be met."""
    for each in load_all_yaml(SERVER, context={"namespace": namespace, "image": IMAGE}):
        cluster.client.create(each)
    address = until("the server's address", lambda: _address(cluster, namespace))
    return not _met(cluster, namespace, "nobody", [f"{address}:8000"])


def _address(cluster: Cluster, namespace: str) -> str | None:
    """Once it listens: what is not there yet cannot be met either."""
    status = cluster.client.get(Pod, "server", namespace=namespace).status
    ready = status is not None and all(each.ready for each in status.containerStatuses or [])
    return status.podIP if status is not None and ready else None


def _met(cluster: Cluster, namespace: str, role: str, places: Sequence[str]) -> set[str]:
    """Of the places, those that a pod of the role can connect to."""

    def said() -> dict[str, Any] | None:
        try:
            lines = list(cluster.client.log(f"meets-{role}", namespace=namespace))
        except ApiError:
            return None
        return dict(json.loads(lines[0])) if lines and lines[0].rstrip().endswith("}") else None

    with client_pod(
        cluster, namespace, f"meets-{role}", role, SCRIPT, places, key="none", stack=NAME, image=IMAGE
    ):
        found = until(f"what {role} meets", said, 180)
    return {place for place, reached in found.items() if reached}
