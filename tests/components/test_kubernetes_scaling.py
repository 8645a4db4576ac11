"""Scaling in the workload layer: who owns how many replicas, and what is refused."""

from typing import Any

import pytest

from catalog.errors import KitError
from rehearsal import Rendering
from rehearsal.errors import RehearsalError
from stacks.parsing import parse
from stacks.plan import plan
from tests.components.test_kubernetes_composition import CLUSTER, MODEL, render_stack

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
HPA = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
VPA = "kubernetes:autoscaling.k8s.io/v1:VerticalPodAutoscaler"
KEDA = "kubernetes:keda.sh/v1alpha1:ScaledObject"
WITHOUT_KEDA = {"keda": False}


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
def by_cpu() -> Rendering:
    return render_stack(
        models=[model(minReplicas=1, maxReplicas=3)],
        autoscaling={**WITHOUT_KEDA, "recommendations": True},
    )


def test_without_keda_a_model_follows_its_processors_and_its_deployment_says_no_number(
    by_cpu: Rendering,
) -> None:
    wanted = spec(by_cpu, HPA, MODEL)
    assert (wanted["minReplicas"], wanted["maxReplicas"]) == (1, 3)
    assert wanted["scaleTargetRef"]["kind"] == "Deployment"
    assert "replicas" not in spec(by_cpu, DEPLOYMENT, MODEL)
    assert not by_cpu.of_type(KEDA)


def test_what_an_hpa_follows_no_vpa_recommends(by_cpu: Rendering) -> None:
    (policy,) = spec(by_cpu, VPA, MODEL)["resourcePolicy"]["containerPolicies"]
    assert policy["controlledResources"] == ["memory"]


def test_scalers_are_made_on_the_stacks_cluster(by_cpu: Rendering) -> None:
    providers = {each.name: each.urn for each in by_cpu.of_type("pulumi:providers:kubernetes")}
    for kind in (HPA, VPA):
        (found,) = by_cpu.of_type(kind)
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
        ({"models": [model(minReplicas=3, maxReplicas=2)]}, "more than max_replicas 2"),
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
