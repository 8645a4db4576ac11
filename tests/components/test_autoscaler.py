"""Scalers as their manifests are rendered. What they mean to KEDA: its CRD and pkg/scaling, version 2.21."""

from pathlib import Path
from typing import Any

import pytest

from rehearsal import RehearsalError, Rendering, render

SCALED, LOGIN = (
    "kubernetes:keda.sh/v1alpha1:ScaledObject",
    "kubernetes:keda.sh/v1alpha1:TriggerAuthentication",
)
HPA = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
VPA = "kubernetes:autoscaling.k8s.io/v1:VerticalPodAutoscaler"
PASSWORD = "p" * 43
PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s
from components.autoscaler import Autoscaler, PrometheusLogin
from components.autoscaling.types import CpuScaling, DemandScaling, Schedule

def deployment(name):
    pod = {"containers": [{"name": "main", "image": "none"}]}
    labels = {"match_labels": {"app": name}}
    spec = {"selector": labels, "template": {"metadata": {"labels": {"app": name}}, "spec": pod}}
    return k8s.apps.v1.Deployment(name, metadata={"name": f"{name}-0", "namespace": "slm"}, spec=spec)

common = {"namespace": "slm", "stack": "office"}
password = pulumi.Config().require_secret("password")
login = PrometheusLogin("prometheus-login", {**common, "password": password})
asking = {**common, "prometheus": "http://prometheus.slm.svc:9090", "login": login.authentication}

def scale(name, args, **more):
    scaled = deployment(name).metadata.apply(lambda known: known.name)
    Autoscaler(name, {**args, "deployment": scaled, **more})

office = Schedule(("mon", "fri"), 450, 1080, "Europe/Amsterdam", 2)
"""
STACK = """
scale("asleep", asking, scaling=DemandScaling(("asleep",), 6, 4, 0, idle_seconds=900, schedules=(office,)))
scale("awake-1.5b", asking, scaling=DemandScaling(("awake-1.5b", "awake-sql"), 1.5, 3, 2, settle_seconds=1800,
    fallback_replicas=3))
scale("gateway", common, scaling=CpuScaling(3, 2, 60), recommended=("memory",))
scale("prometheus", common, recommended=("memory", "cpu"))
"""


def rendered(folder: Path, program: str) -> Rendering:
    (folder / "Pulumi.yaml").write_text("name: scaled\nruntime: python\n")
    (folder / "__main__.py").write_text(PROGRAM + program)
    return render(folder, "dev", {"scaled:password": PASSWORD}, secrets={"scaled:password"})


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Rendering:
    return rendered(tmp_path_factory.mktemp("scaled"), STACK)


def spec(stack: Rendering, type_token: str, name: str) -> dict[str, Any]:
    (found,) = (each for each in stack.of_type(type_token) if each.name == name)
    content: dict[str, Any] = found.inputs["spec"]
    return content


def triggers(stack: Rendering, name: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in spec(stack, SCALED, name)["triggers"]}


def test_a_scaler_has_one_object_of_the_kind_that_fits(stack: Rendering) -> None:
    made = {each.type: sorted(e.name for e in stack.of_type(each.type)) for each in stack.resources}
    assert made[SCALED] == ["asleep", "awake-1-5b"]
    assert made[HPA] == ["gateway"]
    assert made[VPA] == ["gateway", "prometheus"]
    assert made["slm:index:Autoscaler"] == ["asleep", "awake-1.5b", "gateway", "prometheus"]
    for each in (e for kind in (SCALED, HPA, VPA) for e in stack.of_type(kind)):
        assert "slm:index:Autoscaler" in each.parent
        assert each.inputs["metadata"]["labels"] == {"slm-kit.stack": "office"}
        assert each.inputs["metadata"]["namespace"] == "slm"
        assert "name" not in each.inputs["metadata"]


@pytest.mark.parametrize("name", ["asleep", "awake-1-5b"])
def test_a_query_without_an_answer_is_a_failure_and_no_zero(stack: Rendering, name: str) -> None:
    asked = [each for each in triggers(stack, name).values() if each["type"] == "prometheus"]
    assert asked
    for each in asked:
        assert each["metadata"]["ignoreNullValues"] == "false"
        assert each["metricType"] == "AverageValue"
        # A trigger's metadata are strings (KEDA's CRD).
        assert all(isinstance(value, str) for value in each["metadata"].values())


def test_while_prometheus_is_away_nothing_is_taken_away_and_what_sleeps_is_woken(stack: Rendering) -> None:
    assert spec(stack, SCALED, "asleep")["fallback"]["replicas"] == 1
    known = {"failureThreshold": 8, "replicas": 3, "behavior": "currentReplicasIfHigher"}
    assert spec(stack, SCALED, "awake-1-5b")["fallback"] == known


def test_a_model_that_may_sleep_is_woken_by_whoever_asked_and_put_away_after_its_time(
    stack: Rendering,
) -> None:
    asleep = spec(stack, SCALED, "asleep")
    assert (asleep["minReplicaCount"], asleep["maxReplicaCount"]) == (0, 4)
    assert asleep["cooldownPeriod"] == asleep["initialCooldownPeriod"] == 900
    assert asleep["pollingInterval"] == 15
    assert asleep["advanced"]["restoreToOriginalReplicaCount"] is True
    found = triggers(stack, "asleep")
    assert list(found) == ["demand", "asked", "schedule-0"]
    assert [found[name]["metadata"]["threshold"] for name in ("demand", "asked")] == ["6", "1"]
    assert [found[name]["metadata"]["activationThreshold"] for name in ("demand", "asked")] == ["0", "0"]


def test_a_model_that_never_sleeps_has_no_cooldown_and_counts_its_adapters(stack: Rendering) -> None:
    awake = spec(stack, SCALED, "awake-1-5b")
    assert (awake["minReplicaCount"], awake["maxReplicaCount"]) == (2, 3)
    assert not {"cooldownPeriod", "initialCooldownPeriod", "pollingInterval"} & awake.keys()
    assert awake["advanced"]["restoreToOriginalReplicaCount"] is False, (
        "a number set beside it would be undone"
    )
    (demand,) = triggers(stack, "awake-1-5b").values()
    assert demand["metadata"]["threshold"] == "1.5"
    assert demand["metadata"]["query"] == (
        'sum (slm:demand{model="awake-1.5b"}) + sum (slm:demand{model="awake-sql"})'
    )


def test_a_schedule_is_a_cron_trigger_in_its_own_time_zone(stack: Rendering) -> None:
    trigger = triggers(stack, "asleep")["schedule-0"]
    assert trigger["type"] == "cron"
    assert trigger["metadata"] == {
        "timezone": "Europe/Amsterdam",
        "start": "30 7 * * 1,5",
        "end": "0 18 * * 1,5",
        "desiredReplicas": "2",
    }


def test_replicas_go_one_by_one_and_only_when_less_was_needed_for_a_while(stack: Rendering) -> None:
    by_keda = spec(stack, SCALED, "awake-1-5b")["advanced"]["horizontalPodAutoscalerConfig"]
    for found, seconds in ((by_keda, 1800), (spec(stack, HPA, "gateway"), 300)):
        assert found["behavior"] == {
            "scaleUp": {
                "stabilizationWindowSeconds": 30,
                "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
            },
            "scaleDown": {
                "stabilizationWindowSeconds": seconds,
                "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
            },
        }


def test_without_keda_a_plain_hpa_follows_the_processors(stack: Rendering) -> None:
    found = spec(stack, HPA, "gateway")
    assert found["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gateway-0"}
    assert (found["minReplicas"], found["maxReplicas"]) == (2, 3)
    target = {"type": "Utilization", "averageUtilization": 60}
    assert found["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def test_a_vpa_recommends_and_changes_nothing(stack: Rendering) -> None:
    for name, resources in (("gateway", ["memory"]), ("prometheus", ["cpu", "memory"])):
        found = spec(stack, VPA, name)
        assert found["updatePolicy"] == {"updateMode": "Off"}
        (policy,) = found["resourcePolicy"]["containerPolicies"]
        assert policy == {"containerName": "*", "controlledResources": resources}
        assert found["targetRef"]["name"] == f"{name}-0"


def test_the_password_of_prometheus_is_in_one_secret_and_referred_to_elsewhere(stack: Rendering) -> None:
    holders = [each for each in stack.resources if PASSWORD in str(each.inputs)]
    assert [each.type for each in holders] == ["kubernetes:core/v1:Secret"]
    assert holders[0].secret_paths == ("stringData",)
    references = spec(stack, LOGIN, "prometheus-login")["secretTargetRef"]
    assert [each["parameter"] for each in references] == ["username", "password"]
    assert all(each["key"] == each["parameter"] for each in references)
    metadata = triggers(stack, "asleep")["demand"]["metadata"]
    assert metadata["authModes"] == "basic"
    assert holders[0].inputs["stringData"]["username"] == "operator"


def test_a_long_name_leaves_room_for_what_keda_makes_of_it(tmp_path: Path) -> None:
    name = "m" * 63
    made = rendered(tmp_path, f'scale("{name}", asking, scaling=DemandScaling(("{name}",), 1, 2))')
    (scaled,) = made.of_type(SCALED)
    assert len(f"keda-hpa-{scaled.name}-01234567") <= 63


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ('scale("a", common, scaling=DemandScaling(("a",), 1, 2, 0))', "there is none"),
        ('scale("a", common, scaling=CpuScaling(2), recommended=("cpu",))', "follows the cpu"),
        ('scale("a", asking, scaling=DemandScaling(("a",), 1, 1, 2))', "more than maxReplicas"),
        ('scale("a", asking, scaling=DemandScaling((), 1, 2))', "no series tells its demand"),
        ('scale("a", asking, scaling=CpuScaling(2, 0))', "1 to 64"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, program: str, words: str) -> None:
    with pytest.raises(RehearsalError, match=words):
        rendered(tmp_path, program)
