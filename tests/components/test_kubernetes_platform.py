"""What else a workload gets on a cluster: names, files, updates, volumes, and what stays."""

from pathlib import Path
from typing import Any

import pytest

from rehearsal import RehearsalError, Rendering
from tests.components.kubernetes_program import (
    CLAIM,
    DEPLOYMENT,
    KEY,
    MODEL,
    PASSWORD,
    SERVICE,
    one,
    pods,
    rendered,
)

BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
CONFIG = "kubernetes:core/v1:ConfigMap"
SECRET = "kubernetes:core/v1:Secret"


@pytest.fixture(scope="module")
def rendering(tmp_path_factory: pytest.TempPathFactory) -> Rendering:
    return rendered(tmp_path_factory.mktemp("program"))


def strategy(rendering: Rendering, name: str) -> dict[str, Any]:
    return dict(one(rendering, DEPLOYMENT, name).inputs["spec"]["strategy"])


def seconds(rendering: Rendering, name: str) -> int:
    """What an update of the Deployment may take."""
    return int(one(rendering, DEPLOYMENT, name).options["customTimeouts"]["update"].removesuffix("s"))


def test_each_alias_is_a_headless_service_with_its_own_name(rendering: Rendering) -> None:
    services = {each.inputs["metadata"]["name"]: each.inputs for each in rendering.of_type(SERVICE)}
    headless = {name for name, each in services.items() if each["spec"].get("clusterIP") == "None"}
    assert {"gateway", MODEL, "qwen3-0-6b", "prometheus", "loki"} <= headless
    assert services[MODEL]["spec"]["publishNotReadyAddresses"] is False
    assert services[MODEL]["spec"]["selector"].items() <= pods(rendering)[MODEL]["metadata"]["labels"].items()
    assert rendering.outputs["address"] == "qwen3-0-6b.slm-test.svc.cluster.local"


def test_a_deployment_has_the_name_of_its_workload_so_that_no_state_makes_a_second_one(
    rendering: Rendering,
) -> None:
    found = rendering.of_type(DEPLOYMENT)
    assert len(found) > 3
    assert all(each.inputs["metadata"]["name"] == each.name for each in found)


def test_a_published_port_is_a_service_inside_the_cluster(rendering: Rendering) -> None:
    (published,) = [
        each.inputs["spec"]
        for each in rendering.of_type(SERVICE)
        if each.inputs["metadata"]["name"] == "gateway-published"
    ]
    assert published["type"] == "ClusterIP"
    assert [(each["port"], each["targetPort"]) for each in published["ports"]] == [(80, 8080)]
    assert {each.inputs["spec"].get("type", "ClusterIP") for each in rendering.of_type(SERVICE)} == {
        "ClusterIP"
    }


def test_the_namespace_is_restricted_and_outlives_the_stack_with_the_models(rendering: Rendering) -> None:
    namespace = one(rendering, "kubernetes:core/v1:Namespace", "cluster")
    assert namespace.inputs["metadata"]["name"] == "slm-test"
    assert namespace.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    store = one(rendering, CLAIM, "models")
    assert store.inputs["metadata"]["name"] == "slm-kit-test-models"
    kept = {each.name for each in rendering.resources if each.options.get("retainOnDelete")}
    assert kept == {"cluster", "models"}


def test_everything_is_in_the_namespace_and_labelled_with_the_stack(rendering: Rendering) -> None:
    objects = [each for each in rendering.resources if each.custom and each.type.startswith("kubernetes:")]
    for each in objects:
        metadata = each.inputs["metadata"]
        assert metadata["labels"]["slm-kit.stack"] == "test", each.name
        if not each.type.endswith(":Namespace"):
            assert metadata["namespace"] == "slm-test", each.name


def test_files_of_a_program_that_reloads_are_changed_in_place_and_others_replaced(
    rendering: Rendering,
) -> None:
    files = {each.name: each.inputs for each in (*rendering.of_type(CONFIG), *rendering.of_type(SECRET))}
    for name in ("gateway-config", "gateway-secrets"):
        assert "immutable" not in files[name], name
    for name in ("prometheus-config", "prometheus-secrets", "loki-config", "ollama-config"):
        assert files[name]["immutable"] is True, name


def test_a_pod_follows_its_files_by_their_names(rendering: Rendering) -> None:
    followed = one(rendering, DEPLOYMENT, "prometheus").property_dependencies["spec"]
    assert {urn.rpartition("::")[2] for urn in followed} >= {"prometheus-config", "prometheus-secrets"}


def test_no_key_and_no_password_is_in_a_plain_input(rendering: Rendering) -> None:
    for each in rendering.resources:
        secret = {path.split(".")[0].split("[")[0] for path in each.secret_paths}
        plain = repr({key: value for key, value in each.inputs.items() if key not in secret})
        for value in (KEY, PASSWORD, "word@mirror"):
            assert value not in plain, each.name
    held = [each for each in rendering.of_type(SECRET) if each.secret_paths]
    assert {each.name for each in held} == {each.name for each in rendering.of_type(SECRET)}


def test_the_new_pod_starts_first_but_where_only_one_can_hold_what_it_holds(rendering: Rendering) -> None:
    assert strategy(rendering, MODEL)["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert strategy(rendering, "qwen3-0-6b") == {"type": "Recreate"}
    assert strategy(rendering, "prometheus") == {"type": "Recreate"}


def test_of_several_gpu_replicas_one_at_a_time_is_replaced_and_drained(tmp_path: Path) -> None:
    # By a store that several nodes can have.
    access = {"shared_access": "ReadWriteMany"}
    two = rendered(tmp_path, workloads={"qwen3-0.6b": {"replicas": 2}}, gpus_available=2, **access)
    assert strategy(two, "qwen3-0-6b")["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    (budget,) = two.of_type(BUDGET)
    assert budget.inputs["spec"]["maxUnavailable"] == 1
    selected = budget.inputs["spec"]["selector"]["matchLabels"]
    assert selected.items() <= pods(two)["qwen3-0-6b"]["metadata"]["labels"].items()


def test_a_single_replica_has_no_budget_that_would_hold_up_a_drain(rendering: Rendering) -> None:
    assert rendering.of_type(BUDGET) == []


def test_replicas_bound_to_one_node_have_no_budget_that_would_hold_up_its_drain(tmp_path: Path) -> None:
    two = rendered(tmp_path, workloads={"qwen3-0.6b": {"replicas": 2}}, gpus_available=2)
    assert pods(two)["qwen3-0-6b"]["spec"]["affinity"]["podAffinity"]
    assert two.of_type(BUDGET) == []


def test_a_number_of_replicas_that_an_autoscaler_owns_is_not_set(
    rendering: Rendering, tmp_path: Path
) -> None:
    scaled = rendered(tmp_path, scaled={MODEL: 8})
    assert "replicas" not in one(scaled, DEPLOYMENT, MODEL).inputs["spec"]
    # An update has the time for as many as there may be by then.
    alone, most = (seconds(each, MODEL) for each in (rendering, scaled))
    assert most == 8 * alone
    assert one(scaled, DEPLOYMENT, "gateway").inputs["spec"]["replicas"] == 1


def test_of_what_is_scaled_one_pod_at_a_time_is_replaced_however_few_it_began_with(tmp_path: Path) -> None:
    scaled = rendered(tmp_path, scaled={"qwen3-0.6b": 2})
    assert strategy(scaled, "qwen3-0-6b")["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_gpus_that_the_pool_has_not_are_refused_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match="the nodes have 0"):
        rendered(tmp_path, gpus_available=0)
    with pytest.raises(RehearsalError, match=r"update start-first of qwen3-0.6b.*stop-first"):
        rendered(tmp_path, workloads={"qwen3-0.6b": {"update": "start-first"}}, gpus_available=1)


def test_a_quota_bounds_the_namespace(tmp_path: Path) -> None:
    bounded = rendered(
        tmp_path, quota={"requests.nvidia.com/gpu": "2"}, limits=[{"type": "Pod", "max": {"cpu": "4"}}]
    )
    quota = one(bounded, "kubernetes:core/v1:ResourceQuota", "cluster")
    assert quota.inputs["spec"]["hard"] == {"requests.nvidia.com/gpu": "2"}
    limits = one(bounded, "kubernetes:core/v1:LimitRange", "cluster")
    assert limits.inputs["spec"]["limits"] == [{"type": "Pod", "max": {"cpu": "4"}}]


def test_every_object_is_made_through_the_clusters_provider_with_what_the_platform_counts_on(
    tmp_path: Path,
) -> None:
    connected = rendered(tmp_path, context="here")
    provider = one(connected, "pulumi:providers:kubernetes", "cluster")
    for flag in ("enableServerSideApply", "enableConfigMapMutable", "enableSecretMutable"):
        assert provider.inputs[flag] in (True, "true"), flag
    objects = [each for each in connected.resources if each.type.startswith("kubernetes:")]
    assert len(objects) > 50
    assert {each.provider for each in objects} == {provider.urn}


def test_an_update_waits_as_long_as_the_start_may_take(rendering: Rendering) -> None:
    deployment = one(rendering, DEPLOYMENT, "qwen3-0-6b")
    assert seconds(rendering, "qwen3-0-6b") >= deployment.inputs["spec"]["progressDeadlineSeconds"]
