"""Scaling in the workload layer: who owns how many replicas, and what is refused."""

from typing import Any

import pytest

from catalog.errors import KitError
from rehearsal import Rendering
from rehearsal.errors import RehearsalError
from stacks.kubernetes_needs import needs_of
from stacks.parsing import parse
from stacks.plan import plan
from tests.components.kubernetes_stack import CLUSTER, MODEL, render_stack

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
HPA = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
VPA = "kubernetes:autoscaling.k8s.io/v1:VerticalPodAutoscaler"
KEDA = "kubernetes:keda.sh/v1alpha1:ScaledObject"
BUILT_IN = ("core/v1", "apps/v1", "batch/v1", "networking.k8s.io/v1", "policy/v1", "autoscaling/v2")
"""Groups and versions of every Kubernetes from 1.30 on."""
WITHOUT_KEDA = {"keda": False}
PASSWORD = "p" * 43
WATCHED: dict[str, Any] = {"monitoring": None, "passwords": {"monitoring": PASSWORD}}


def model(**scaling: Any) -> dict[str, Any]:
    return {"name": MODEL, "contextLength": 1024, "concurrency": 2, "scaling": scaling}


def spec(rendering: Rendering, type_token: str, name: str) -> dict[str, Any]:
    (found,) = (each for each in rendering.of_type(type_token) if each.name == name)
    content: dict[str, Any] = found.inputs["spec"]
    return content


def gateway(rendering: Rendering) -> str:
    (config,) = (e for e in rendering.of_type("kubernetes:core/v1:ConfigMap") if e.name == "gateway-config")
    return str(config.inputs["data"]["haproxy.cfg"])


@pytest.fixture(scope="module")
def by_demand() -> Rendering:
    asleep = model(minReplicas=0, maxReplicas=2)
    return render_stack(
        models=[asleep], autoscaling={"kedaNamespace": "kube-system", "recommendations": True}, **WATCHED
    )


def test_keda_asks_the_stacks_prometheus_for_the_models_demand(by_demand: Rendering) -> None:
    wanted = spec(by_demand, KEDA, MODEL)
    assert (wanted["minReplicaCount"], wanted["maxReplicaCount"]) == (0, 2)
    for trigger in wanted["triggers"]:
        assert trigger["metadata"]["serverAddress"] == "http://prometheus.models.svc.cluster.local:9090"
        assert MODEL in trigger["metadata"]["query"]
        assert trigger["authenticationRef"] == {"name": "prometheus-login"}
    assert "replicas" not in spec(by_demand, DEPLOYMENT, MODEL)
    assert not by_demand.of_type(HPA)


def test_each_kind_that_kubernetes_lacks_is_one_that_is_asked_for_before_an_update(
    by_demand: Rendering,
) -> None:
    asleep = model(minReplicas=0, maxReplicas=2)
    config = {
        "target": "kubernetes", "models": [asleep], "keys": [{"id": "a"}], "modelSource": "pypi",
        "kubernetes": CLUSTER, "autoscaling": {"recommendations": True},
    }  # fmt: skip
    needed = {
        f"kubernetes:{need.api_version}:{kind}"
        for need in needs_of(parse(config, {"a": "slm-key"}))
        for kind in need.kinds
    }
    built_in = {f"kubernetes:{each}" for each in BUILT_IN}
    found = {each.type for each in by_demand.resources if each.type.startswith("kubernetes:")}
    assert {each for each in found if each.rpartition(":")[0] not in built_in} == needed


def test_prometheus_lets_kedas_namespace_in_and_nobody_else_of_outside(by_demand: Rendering) -> None:
    rules = spec(by_demand, "kubernetes:networking.k8s.io/v1:NetworkPolicy", "prometheus")["ingress"]
    outside = [rule for rule in rules if any("namespaceSelector" in peer for peer in rule.get("from", ()))]
    (rule,) = outside
    (peer,) = rule["from"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "kube-system"}
    assert [port["port"] for port in rule["ports"]] == [9090]


def test_the_login_of_prometheus_is_in_a_secret_alone(by_demand: Rendering) -> None:
    (secret,) = (e for e in by_demand.of_type("kubernetes:core/v1:Secret") if e.name == "prometheus-login")
    assert secret.secret_paths
    (login,) = by_demand.of_type("kubernetes:keda.sh/v1alpha1:TriggerAuthentication")
    assert {each["parameter"]: each["key"] for each in login.inputs["spec"]["secretTargetRef"]} == {
        "username": "username",
        "password": "password",
    }
    for kind in (KEDA, "kubernetes:keda.sh/v1alpha1:TriggerAuthentication"):
        assert all(PASSWORD not in str(each.inputs) for each in by_demand.of_type(kind))


def test_what_follows_demand_has_recommendations_for_both(by_demand: Rendering) -> None:
    (policy,) = spec(by_demand, VPA, MODEL)["resourcePolicy"]["containerPolicies"]
    assert policy["controlledResources"] == ["cpu", "memory"]
    assert spec(by_demand, VPA, "gateway")["updatePolicy"] == {"updateMode": "Off"}


def test_a_model_that_sleeps_has_no_alert_that_it_is_down(by_demand: Rendering) -> None:
    (config,) = (
        e for e in by_demand.of_type("kubernetes:core/v1:ConfigMap") if e.name == "prometheus-config"
    )
    alerts = config.inputs["data"]["alerts.yml"]
    assert "EngineDown" not in alerts.replace('alertname=~"EngineDown|', "")
    assert "WakeWithoutReplica" in alerts


@pytest.fixture(scope="module")
def by_cpu() -> Rendering:
    return render_stack(
        models=[model(minReplicas=1, maxReplicas=3)],
        autoscaling={**WITHOUT_KEDA, "recommendations": True},
        kubernetes={**CLUSTER, "cpuShare": 0.25},
    )


def test_without_keda_a_model_follows_its_processors_and_its_deployment_says_no_number(
    by_cpu: Rendering,
) -> None:
    wanted = spec(by_cpu, HPA, MODEL)
    assert (wanted["minReplicas"], wanted["maxReplicas"]) == (1, 3)
    assert wanted["scaleTargetRef"]["kind"] == "Deployment"
    assert "replicas" not in spec(by_cpu, DEPLOYMENT, MODEL)
    assert not by_cpu.of_type(KEDA)


def test_an_hpa_counts_in_what_is_reserved_and_still_means_the_processors(by_cpu: Rendering) -> None:
    (metric,) = spec(by_cpu, HPA, MODEL)["metrics"]
    # 70 % of all processors, where a quarter of them is requested.
    assert metric["resource"]["target"]["averageUtilization"] == 280


def test_what_an_hpa_follows_no_vpa_recommends(by_cpu: Rendering) -> None:
    (policy,) = spec(by_cpu, VPA, MODEL)["resourcePolicy"]["containerPolicies"]
    assert policy["controlledResources"] == ["memory"]


def test_scalers_are_made_on_the_stacks_cluster(by_cpu: Rendering) -> None:
    providers = {each.name: each.urn for each in by_cpu.of_type("pulumi:providers:kubernetes")}
    for found in (*by_cpu.of_type(HPA), *by_cpu.of_type(VPA)):
        assert found.provider.startswith(providers["cluster"])
        assert found.inputs["metadata"]["namespace"] == "models"


def test_the_gateway_has_room_for_as_many_replicas_as_there_may_be(by_cpu: Rendering) -> None:
    # One more than maxReplicas: the new one of an update.
    assert f"server-template r 1-4 {MODEL}.models.svc.cluster.local:8000" in gateway(by_cpu)


def test_a_number_that_never_changes_is_the_deployments_own() -> None:
    fixed = render_stack(models=[model(minReplicas=2, maxReplicas=2)])
    assert spec(fixed, DEPLOYMENT, MODEL)["replicas"] == 2
    assert not fixed.of_type(HPA)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": [model(minReplicas=0)]}, "slm-kit:monitoring, which reads that, is off"),
        ({"models": [model(minReplicas=0)], "autoscaling": WITHOUT_KEDA}, "needs KEDA"),
        ({"models": [model(minReplicas=3, maxReplicas=2)]}, "more than maxReplicas 2"),
        ({"autoscaling": {"kedaNamespace": "Keda"}}, "autoscaling.kedaNamespace"),
        ({"autoscaling": {"kda": False}}, "there is no such setting"),
    ],
)
def test_scaling_that_cannot_work_is_refused_before_the_first_resource(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises((KitError, RehearsalError), match=words):
        render_stack(**changes)


@pytest.mark.parametrize(
    "changes", [{"models": [model(maxReplicas=2)]}, {"autoscaling": {"recommendations": True}}]
)
def test_one_machine_scales_nothing_and_takes_the_defaults(changes: dict[str, Any]) -> None:
    config = {"target": "local-docker", "models": [model()], "keys": [{"id": "a"}], "modelSource": "pypi"}
    assert plan(parse({**config, "autoscaling": {"keda": True}}, {"a": "k"})).hosted
    with pytest.raises(KitError, match="target local-docker has one replica of each model"):
        plan(parse({**config, **changes}, {"a": "k"}))
    assert plan(parse({**config, **changes, "kubernetes": CLUSTER}, {"a": "k"})).hosted
