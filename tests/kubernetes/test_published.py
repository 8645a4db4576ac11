"""The ways in from outside, on a real cluster: TLS to the gateway's own certificate, and one renewed.

Nothing there makes load balancers, or follows an Ingress: what a client in the cluster sees of the first is
tested, and that the API server takes the second.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Pod, Secret, Service, ServiceStatus
from lightkube.resources.networking_v1 import Ingress, NetworkPolicy

from tests.kubernetes.certificates import Authority
from tests.kubernetes.client_pod import client_pod
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.fixtures import names
from tests.kubernetes.waiting import until
from tests.kubernetes.workload_stack import TAG, WorkloadStack

pytestmark = pytest.mark.docker

NAME, NAMESPACE = "test-published", "slm-test-published"
ELSEWHERE = {"name": "elsewhere", "engine": "external", "external": {"url": "https://elsewhere.invalid/v1"}}
HOST, SECRET, ADDRESS = "models.example.com", "bought", "203.0.113.10"
RENEWED_SECONDS = 180
"""Until the kubelet brings a changed Secret to a pod (a minute or so), and the gateway takes it over."""
WAITING, WAITED_SECONDS = "its load balancer has no address", 5
"""What an update says meanwhile, and how long the test sees it wait."""
BALANCER: dict[str, Any] = {
    "host": HOST,
    "tlsSecret": SECRET,
    # The second for the tests' own client, where policies are enforced.
    "ranges": ["203.0.113.0/24", "10.0.0.0/8"],
    "annotations": {"pulumi.com/skipAwait": "true"},
}
INGRESS: dict[str, Any] = {
    "host": HOST,
    "tlsSecret": SECRET,
    "className": "traefik",
    "controllerNamespace": "traefik",
}
SCRIPT = """
import json, socket, ssl, sys, time
service, host, authority = sys.argv[1:]
key = open("/key/key").read()
lines = ("GET /v1/models HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {key}", "Connection: close")
request = "".join(line + "\\r\\n" for line in (*lines, ""))
trusting = ssl.create_default_context(cadata=authority)
while True:
    told = {"at": time.time()}
    try:
        connection = socket.create_connection((service, 443), 5)
        with trusting.wrap_socket(connection, server_hostname=host) as spoken:
            told["name"] = dict(pair for (pair,) in spoken.getpeercert()["subject"])["commonName"]
            spoken.sendall(request.encode())
            told["status"] = int(spoken.makefile().readline().split()[1])
    except Exception as problem:
        told["problem"] = repr(problem)
    print(json.dumps(told), flush=True)
    time.sleep(0.1)
"""


Asked = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def stack(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkloadStack]:
    """A gateway without a model on the cluster, not up yet; gone with its namespace afterwards."""
    made = WorkloadStack(
        cluster, tmp_path_factory.mktemp("published"), NAME, NAMESPACE, models=[dict(ELSEWHERE)]
    )
    cluster.client.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
    yield made
    made.must("down")
    cluster.client.delete(Namespace, NAMESPACE)
    until("the namespace gone", lambda: NAMESPACE not in names(cluster.client.list(Namespace)))


@pytest.fixture(scope="module")
def balanced(cluster: Cluster, stack: WorkloadStack) -> Authority:
    """Who made the certificate of the stack, which is up with a load balancer."""
    authority = Authority("the clients'")
    meta = ObjectMeta(name=SECRET, namespace=NAMESPACE)
    pair = _pair(authority, "first")
    cluster.client.create(Secret(metadata=meta, type="kubernetes.io/tls", stringData=pair))
    stack.write(loadBalancer=BALANCER)
    stack.must("up")
    return authority


@pytest.fixture(scope="module")
def asked(cluster: Cluster, stack: WorkloadStack, balanced: Authority) -> Iterator[Asked]:
    """What somebody gets who asks over TLS all the time."""

    def told() -> list[dict[str, Any]]:
        try:
            return [json.loads(line) for line in cluster.client.log("outside", namespace=NAMESPACE)]
        except ApiError:
            return []

    place = f"{_balancer(cluster).metadata.name}.{NAMESPACE}.svc"
    arguments = [place, HOST, balanced.certificate.decode()]
    values = {"key": stack.key, "stack": NAME, "image": f"slm-kit/onnx-server:{TAG}"}
    with client_pod(cluster, NAMESPACE, "outside", "none", SCRIPT, arguments, **values):
        yield told


@pytest.mark.usefixtures("balanced")
def test_a_load_balancer_lets_the_named_ranges_in_and_is_not_waited_for_where_it_says_so(
    cluster: Cluster, stack: WorkloadStack
) -> None:
    assert f"https://{HOST}/v1" in stack.must("output")
    service = _balancer(cluster)
    assert service.spec.loadBalancerSourceRanges == BALANCER["ranges"]
    assert not service.status.loadBalancer.ingress
    (policy,) = (e for e in _all(cluster, NetworkPolicy) if "gateway-outside" in e.metadata.name)
    (rule,) = policy.spec.ingress
    assert [each.ipBlock.cidr for each in rule.from_] == BALANCER["ranges"]


def test_its_port_answers_with_the_certificate_and_with_a_renewed_one_without_a_lost_request(
    cluster: Cluster,
    balanced: Authority,
    asked: Asked,
    record_property: Callable[[str, object], None],
) -> None:
    until("an answer over TLS", lambda: _answered(asked(), "first"), 120)
    before = until("one gateway", lambda: found if len(found := _gateways(cluster)) == 1 else None, 120)
    begun = time.time()
    renewed = {"stringData": _pair(balanced, "second")}
    cluster.client.patch(Secret, SECRET, renewed, namespace=NAMESPACE)
    until("the renewed certificate", lambda: _answered(asked(), "second"), RENEWED_SECONDS)
    took = time.time() - begun
    since = [each for each in asked() if each["at"] > begun]
    record_property("shown", f"a renewed certificate is served after {took:.0f} s, {len(since)} requests")
    assert {each.get("status") for each in since} == {200}, since
    assert _gateways(cluster) == before, "no pod was replaced for it"


@pytest.mark.usefixtures("balanced")
def test_an_update_waits_for_its_address_and_says_it(
    cluster: Cluster, stack: WorkloadStack, tmp_path: Path
) -> None:
    stack.write(loadBalancer={**BALANCER, "annotations": {}})
    said = tmp_path / "said"
    with stack.started("up", said) as update:
        until("it waits", lambda: update.poll() is not None or WAITING in said.read_text())
        time.sleep(WAITED_SECONDS)
        assert update.poll() is None, said.read_text()
        # As a cloud's controller does.
        given = {"status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}}
        cluster.client.patch(ServiceStatus, _balancer(cluster).metadata.name, given, namespace=NAMESPACE)
    assert update.returncode == 0, said.read_text()
    assert WAITING in said.read_text()
    assert ADDRESS in stack.must("output")


@pytest.mark.usefixtures("balanced")
def test_an_ingress_takes_its_place(cluster: Cluster, stack: WorkloadStack) -> None:
    stack.write(ingress=INGRESS)
    stack.must("up")
    (made,) = _all(cluster, Ingress)
    assert [(each.hosts, each.secretName) for each in made.spec.tls] == [([HOST], SECRET)]
    assert not _balancers(cluster), "the load balancer is gone"
    said = stack.must("up")
    assert re.search(r"Resources: \d+ unchanged$", said, re.MULTILINE), said


def _pair(authority: Authority, name: str) -> dict[str, str]:
    made = authority.server(name, [HOST], [])
    return {"tls.crt": made.certificate.decode(), "tls.key": made.key.decode()}


def _answered(told: list[dict[str, Any]], name: str) -> bool:
    return bool(told) and (told[-1].get("name"), told[-1].get("status")) == (name, 200)


def _all(cluster: Cluster, kind: Any) -> list[Any]:
    return list(cluster.client.list(kind, namespace=NAMESPACE))


def _balancers(cluster: Cluster) -> list[Any]:
    return [each for each in _all(cluster, Service) if each.spec.type == "LoadBalancer"]


def _balancer(cluster: Cluster) -> Any:
    (found,) = _balancers(cluster)
    return found


def _gateways(cluster: Cluster) -> set[str]:
    return names(cluster.client.list(Pod, namespace=NAMESPACE, labels={"slm-kit.workload": "gateway"}))
