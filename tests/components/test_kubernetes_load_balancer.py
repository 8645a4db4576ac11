"""The way in by a load balancer: the gateway ends TLS itself, for named addresses alone."""

from typing import Any

import pytest

from components.gateway.types import GatewayLimits
from rehearsal import Rendering
from rehearsal.errors import RehearsalError
from tests.components.kubernetes_stack import CLUSTER, render_stack
from tests.components.test_edge_composition import PLANT, render_sites

BALANCER: dict[str, Any] = {
    "host": "models.example.com",
    "ranges": ["203.0.113.0/24", "198.51.100.7/32"],
    "clusterIssuer": "ours",
}
INTERNAL = "service.beta.kubernetes.io/azure-load-balancer-internal"


def cluster(**changes: Any) -> dict[str, Any]:
    """A cluster with a load balancer; None for a setting that is left out."""
    wanted = {key: value for key, value in {**BALANCER, **changes}.items() if value is not None}
    return {**CLUSTER, "loadBalancer": wanted}


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    return render_stack(kubernetes=cluster())


def one(rendering: Rendering, kind: str, name: str) -> Any:
    (found,) = (each for each in rendering.of_type(f"kubernetes:{kind}") if each.name == name)
    return found


def pod(rendering: Rendering) -> Any:
    return one(rendering, "apps/v1:Deployment", "gateway").inputs["spec"]["template"]


def test_it_leads_to_the_port_with_tls_and_to_no_other(rendering: Rendering) -> None:
    spec = one(rendering, "core/v1:Service", "gateway-outside").inputs["spec"]
    assert spec["type"] == "LoadBalancer"
    assert [(each["port"], each["targetPort"]) for each in spec["ports"]] == [(443, 8443)]
    assert spec["selector"].items() <= pod(rendering)["metadata"]["labels"].items()
    assert rendering.outputs["url"] == "https://models.example.com/v1"
    assert "address" in rendering.outputs


def test_it_is_made_once_the_gateways_pods_are_ready(rendering: Rendering) -> None:
    service = one(rendering, "core/v1:Service", "gateway-outside")
    assert one(rendering, "apps/v1:Deployment", "gateway").urn in service.dependencies


def test_its_clients_come_with_their_own_addresses_and_only_the_named_ones_come_in(
    rendering: Rendering,
) -> None:
    spec = one(rendering, "core/v1:Service", "gateway-outside").inputs["spec"]
    assert spec["externalTrafficPolicy"] == "Local"
    assert spec["loadBalancerSourceRanges"] == BALANCER["ranges"]
    policy = one(rendering, "networking.k8s.io/v1:NetworkPolicy", "gateway-outside").inputs["spec"]
    assert policy["podSelector"]["matchLabels"] == spec["selector"]
    (rule,) = policy["ingress"]
    assert [each["ipBlock"]["cidr"] for each in rule["from"]] == BALANCER["ranges"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8443}]


def test_the_gateway_ends_tls_with_what_cert_manager_makes(rendering: Rendering) -> None:
    made = one(rendering, "cert-manager.io/v1:Certificate", "gateway")
    spec = made.inputs["spec"]
    assert (spec["dnsNames"], spec["secretName"]) == (["models.example.com"], "gateway-certificate")
    assert spec["issuerRef"] == {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "ours"}
    mounted = pod(rendering)["spec"]
    (volume,) = (each for each in mounted["volumes"] if each["name"] == "certificate")
    assert volume["secret"]["secretName"] == "gateway-certificate"
    for each in (*mounted["containers"], *mounted["initContainers"]):
        paths = {mount["name"]: mount["mountPath"] for mount in each["volumeMounts"]}
        assert paths["certificate"] == "/etc/slm/certificate"
    config = one(rendering, "core/v1:ConfigMap", "gateway-config").inputs["data"]["haproxy.cfg"]
    assert "bind :8443" in config


def test_the_pods_are_made_after_what_their_certificate_comes_from(rendering: Rendering) -> None:
    gateway = one(rendering, "apps/v1:Deployment", "gateway")
    assert one(rendering, "cert-manager.io/v1:Certificate", "gateway").urn in gateway.dependencies


@pytest.mark.parametrize(("named", "kind"), [("issuer", "Issuer"), ("clusterIssuer", "ClusterIssuer")])
def test_an_issuer_is_of_the_namespace_or_of_the_cluster(named: str, kind: str) -> None:
    rendering = render_stack(kubernetes=cluster(**{"clusterIssuer": None, named: "theirs"}))
    spec = one(rendering, "cert-manager.io/v1:Certificate", "gateway").inputs["spec"]
    assert (spec["issuerRef"]["kind"], spec["issuerRef"]["name"]) == (kind, "theirs")


def test_a_secret_of_somebody_elses_asks_nothing_of_cert_manager() -> None:
    rendering = render_stack(kubernetes=cluster(clusterIssuer=None, tlsSecret="bought"))
    assert not rendering.of_type("kubernetes:cert-manager.io/v1:Certificate")
    (volume,) = (each for each in pod(rendering)["spec"]["volumes"] if each["name"] == "certificate")
    assert volume["secret"]["secretName"] == "bought"


def test_an_internal_one_says_so_and_annotations_reach_the_clouds_controller() -> None:
    wanted = cluster(internal=True, annotations={"a.example/subnet": "models"})
    made = one(render_stack(kubernetes=wanted), "core/v1:Service", "gateway-outside")
    annotations = made.inputs["metadata"]["annotations"]
    assert annotations.items() >= {INTERNAL: "true", "a.example/subnet": "models"}.items()


def test_a_public_one_keeps_a_connection_as_long_as_an_answer_may_take(rendering: Rendering) -> None:
    annotations = one(rendering, "core/v1:Service", "gateway-outside").inputs["metadata"]["annotations"]
    assert INTERNAL not in annotations
    minutes = int(annotations["service.beta.kubernetes.io/azure-load-balancer-tcp-idle-timeout"])
    assert minutes * 60 > GatewayLimits().response_timeout_s


def test_without_one_there_is_no_certificate_and_no_port_with_tls() -> None:
    rendering = render_stack()
    assert not any(each.name == "gateway-outside" for each in rendering.resources)
    assert "certificate" not in repr(pod(rendering)["spec"]["volumes"])
    config = one(rendering, "core/v1:ConfigMap", "gateway-config").inputs["data"]["haproxy.cfg"]
    assert "8443" not in config


def test_a_site_on_a_cluster_has_one_of_its_own() -> None:
    site = {**PLANT, "kubernetes": {**PLANT["kubernetes"], "loadBalancer": BALANCER}}
    rendering = render_sites(site)
    spec = one(rendering, "core/v1:Service", "plant--gateway-outside").inputs["spec"]
    gateway = one(rendering, "apps/v1:Deployment", "plant--gateway").inputs["spec"]["template"]
    assert spec["selector"].items() <= gateway["metadata"]["labels"].items()
    (volume,) = (each for each in gateway["spec"]["volumes"] if each["name"] == "certificate")
    made = one(rendering, "cert-manager.io/v1:Certificate", "plant--gateway").inputs["spec"]
    assert volume["secret"]["secretName"] == made["secretName"]
    assert rendering.outputs["sites"]["plant"]["endpoint"] == "https://models.example.com/v1"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"clusterIssuer": None}, "keys would travel in the clear.*Give one of tlsSecret"),
        ({"tlsSecret": "bought"}, "more than once"),
        ({"ranges": None}, "who may ask is not said.*0.0.0.0/0"),
        ({"ranges": ["203.0.113.7/24"]}, "203.0.113.7/24"),
        ({"ranges": ["203.0.113.7"]}, "203.0.113.7/32"),
        ({"host": "models"}, "host"),
        ({"host": "203.0.113.7"}, "of a DNS name"),
        ({"annotations": {INTERNAL: "true"}}, "Remove it, and set internal"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_registered(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RehearsalError, match=said):
        render_stack(kubernetes=cluster(**changes))


def test_two_ways_in_are_refused() -> None:
    ingress = {
        "host": "models.example.com",
        "className": "traefik",
        "controllerNamespace": "traefik",
        "tlsSecret": "bought",
    }
    with pytest.raises(RehearsalError, match=r"stands beside kubernetes\.ingress"):
        render_stack(kubernetes={**cluster(), "ingress": ingress})
