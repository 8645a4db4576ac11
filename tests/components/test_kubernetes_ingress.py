"""The way in from outside a cluster: always with TLS, to the gateway alone."""

from typing import Any

import pytest

from rehearsal.errors import RehearsalError
from tests.components.kubernetes_stack import CLUSTER, render_stack

INGRESS: dict[str, Any] = {
    "host": "models.example.com",
    "className": "traefik",
    "controllerNamespace": "traefik",
    "clusterIssuer": "ours",
}


def cluster(**changes: Any) -> dict[str, Any]:
    """A cluster with a way in; None for a setting that is left out."""
    wanted = {key: value for key, value in {**INGRESS, **changes}.items() if value is not None}
    return {**CLUSTER, "ingress": wanted}


def test_it_leads_to_the_gateways_published_port_with_a_certificate_of_cert_manager() -> None:
    rendering = render_stack(kubernetes=cluster(annotations={"a.example/timeout": "600"}), gatewayPort=9000)
    (made,) = rendering.of_type("kubernetes:networking.k8s.io/v1:Ingress")
    (service,) = (
        each for each in rendering.of_type("kubernetes:core/v1:Service") if each.name == "gateway-published"
    )
    spec = made.inputs["spec"]
    (rule,) = spec["rules"]
    (path,) = rule["http"]["paths"]
    assert spec["ingressClassName"] == "traefik"
    assert spec["tls"] == [{"hosts": ["models.example.com"], "secretName": "gateway-certificate"}]
    assert (rule["host"], path["path"], path["pathType"]) == ("models.example.com", "/v1", "Prefix")
    assert path["backend"]["service"] == {
        "name": service.inputs["metadata"]["name"],
        "port": {"number": service.inputs["spec"]["ports"][0]["port"]},
    }
    annotations = made.inputs["metadata"]["annotations"]
    assert annotations["cert-manager.io/cluster-issuer"] == "ours"
    assert annotations["a.example/timeout"] == "600"
    assert rendering.outputs["url"] == "https://models.example.com/v1"


def test_a_secret_of_somebody_elses_asks_nothing_of_cert_manager() -> None:
    rendering = render_stack(kubernetes=cluster(clusterIssuer=None, tlsSecret="bought"))
    (made,) = rendering.of_type("kubernetes:networking.k8s.io/v1:Ingress")
    assert made.inputs["spec"]["tls"][0]["secretName"] == "bought"
    assert not any("cert-manager" in key for key in made.inputs["metadata"]["annotations"])
    policies = rendering.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    assert "gateway-challenges" not in {each.name for each in policies}


def test_the_controllers_namespace_is_let_in_to_the_gateway_and_to_nothing_else() -> None:
    rendering = render_stack(kubernetes=cluster())
    admitted = {
        each.name
        for each in rendering.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        for rule in each.inputs["spec"].get("ingress", [])
        for peer in rule.get("from", [])
        if "traefik" in peer.get("namespaceSelector", {}).get("matchLabels", {}).values()
    }
    assert admitted == {"gateway", "gateway-challenges"}


@pytest.mark.parametrize("issuer", ["clusterIssuer", "issuer"])
def test_the_controller_reaches_the_pods_that_answer_an_issuers_challenge_on_their_port(issuer: str) -> None:
    rendering = render_stack(kubernetes=cluster(**{"clusterIssuer": None, issuer: "ours"}))
    policies = rendering.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    (found,) = (each.inputs for each in policies if each.name == "gateway-challenges")
    (gateway,) = (each.inputs for each in policies if each.name == "gateway")
    assert found["metadata"]["namespace"] == gateway["metadata"]["namespace"]
    assert found["spec"] == {
        "podSelector": {"matchLabels": {"acme.cert-manager.io/http01-solver": "true"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traefik"}}}],
                "ports": [{"protocol": "TCP", "port": 8089}],
            }
        ],
    }


def test_without_it_nothing_leads_in() -> None:
    rendering = render_stack()
    assert not rendering.of_type("kubernetes:networking.k8s.io/v1:Ingress")
    assert "url" not in rendering.outputs


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"clusterIssuer": None}, "keys would travel in the clear"),
        ({"tlsSecret": "bought"}, "more than once"),
        ({"host": "models"}, "host"),
        ({"host": "203.0.113.7"}, "of a DNS name"),
        ({"annotations": {"cert-manager.io/issuer": "other"}}, "Remove it, and set issuer"),
        ({"annotations": {"cert-manager.io/cluster-issuer": "other"}}, "and set clusterIssuer"),
        ({"controllerNamespace": "Traefik"}, "controllerNamespace"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_registered(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RehearsalError, match=said):
        render_stack(kubernetes=cluster(**changes))


def test_an_address_that_lets_everybody_past_it_is_refused() -> None:
    assert render_stack(kubernetes=cluster(), gatewayAddress="::1").outputs["url"]
    with pytest.raises(RehearsalError, match=r"gatewayAddress 0\.0\.0\.0.*without TLS"):
        render_stack(kubernetes=cluster(), gatewayAddress="0.0.0.0")
