"""The cluster is a real one: it runs restricted pods, resolves their names and keeps their files."""

from collections.abc import Callable

import docker
import pytest
from docker.errors import NotFound
from lightkube.codecs import load_all_yaml
from lightkube.core.exceptions import ApiError
from lightkube.resources.core_v1 import Node, Pod

from tests.kubernetes.cluster import Cluster, is_ready
from tests.kubernetes.node import running_node
from tests.kubernetes.waiting import until

POD = """
apiVersion: v1
kind: Pod
metadata: {name: "{{ name }}", namespace: "{{ namespace }}", labels: {app: "{{ name }}"}}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  securityContext:
    runAsNonRoot: true
    runAsUser: {{ user }}
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: main
      image: {{ image }}
      imagePullPolicy: Never
      command: [bash, -euc, {{ script | tojson }}]
      readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts: [{name: kept, mountPath: /models}, {name: run, mountPath: /run/slm}]
  volumes:
    - {name: run, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
    - {name: kept, persistentVolumeClaim: {claimName: kept}}
"""
SURROUNDINGS = """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: "{{ namespace }}"}
spec: {clusterIP: None, selector: {app: web}, ports: [{port: 8080}]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: kept, namespace: "{{ namespace }}"}
spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
"""
SERVE = """
printf '%s\\n' 'defaults' ' mode http' ' timeout client 5s' ' timeout server 5s' ' timeout connect 5s' \
  'frontend web' ' bind :8080' ' http-request return status 200 content-type text/plain string "served"' \
  >/run/slm/haproxy.cfg
echo written-by-web >/models/note
exec haproxy -db -f /run/slm/haproxy.cfg
"""
ASK = """
name=web.{namespace}.svc.cluster.local
echo "address=$(getent ahostsv4 $name | head -n 1 | cut -d ' ' -f 1)"
exec 3<>/dev/tcp/$name/8080
printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3
echo "answer=$(tail -n 1 <&3)"
echo "note=$(cat /models/note)"
"""


def apply(cluster: Cluster, text: str, **values: object) -> None:
    for each in load_all_yaml(text, context=values):
        cluster.client.apply(each)


def run_pod(cluster: Cluster, namespace: str, image: str, name: str, script: str, user: int = 10001) -> None:
    apply(cluster, POD, namespace=namespace, image=image, name=name, script=script, user=user)


def phase_is(cluster: Cluster, namespace: str, name: str, *phases: str) -> Callable[[], Pod | None]:
    def ask() -> Pod | None:
        pod = cluster.client.get(Pod, name, namespace=namespace)
        return pod if pod.status and pod.status.phase in phases else None

    return ask


def is_serving(cluster: Cluster, namespace: str, name: str) -> Callable[[], str | None]:
    """Asks for the pod's address, once it takes requests."""

    def ask() -> str | None:
        status = cluster.client.get(Pod, name, namespace=namespace).status
        ready = {each.type: each.status for each in (status.conditions if status else None) or ()}
        return status.podIP if status and ready.get("Ready") == "True" else None

    return ask


def test_the_node_is_ready_and_runs_the_kubelet(
    cluster: Cluster, record_property: Callable[[str, object], None]
) -> None:
    nodes = list(cluster.client.list(Node))
    assert any(is_ready(node) for node in nodes)
    versions = {node.status.nodeInfo.kubeletVersion for node in nodes if node.status and node.status.nodeInfo}
    assert all(version.startswith("v1.") for version in versions), versions
    took = f"up in {cluster.ready_seconds:.0f} s" if cluster.ready_seconds else "was there before"
    record_property("shown", f"Kubernetes {', '.join(sorted(versions))}: {took}")


def test_restricted_pods_reach_each_other_by_a_headless_name_and_share_a_volume(
    cluster: Cluster, namespace: str, gateway_image: str
) -> None:
    apply(cluster, SURROUNDINGS, namespace=namespace)
    run_pod(cluster, namespace, gateway_image, "web", SERVE)
    address = until("web serving", is_serving(cluster, namespace, "web"))
    run_pod(cluster, namespace, gateway_image, "client", ASK.replace("{namespace}", namespace))
    until("client ended", phase_is(cluster, namespace, "client", "Succeeded", "Failed"))
    log = "".join(cluster.client.log("client", namespace=namespace)).split()
    assert log == [f"address={address}", "answer=served", "note=written-by-web"]


def test_a_pod_that_may_become_root_is_refused(cluster: Cluster, namespace: str, gateway_image: str) -> None:
    with pytest.raises(ApiError, match="violates PodSecurity") as refused:
        run_pod(cluster, namespace, gateway_image, "root", "true", user=0)
    assert refused.value.status.code == 403


def test_a_node_of_the_tests_own_leaves_nothing_behind(cluster: Cluster) -> None:
    if not cluster.node:
        pytest.skip("the cluster was there before the tests")
    with running_node() as node:
        container = str(node.container.id)
        volumes = [each["Name"] for each in node.container.attrs["Mounts"] if each["Type"] == "volume"]
    assert volumes
    client = docker.from_env()
    with pytest.raises(NotFound):
        client.containers.get(container)
    for volume in volumes:
        with pytest.raises(NotFound):
            client.volumes.get(volume)
    client.close()
