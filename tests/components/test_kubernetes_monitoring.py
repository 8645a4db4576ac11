"""The monitoring set of the workload layer, as its program registers it."""

from typing import Any

import pytest
import yaml

from catalog.errors import KitError
from components.platforms.kubernetes_times import IMAGE_SECONDS, NODE_SECONDS
from rehearsal import Rendering
from rehearsal.errors import RehearsalError
from tests.components.kubernetes_program import CLAIM, DEPLOYMENT, SERVICE, main_container, one
from tests.components.kubernetes_stack import CLUSTER, MODEL, render_stack

PASSWORD = "p" * 43
PARTS = {"prometheus", "alertmanager", "collector", "loki"}
ON: dict[str, Any] = {"monitoring": None, "passwords": {"monitoring": PASSWORD}}


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    return render_stack(**ON)


def test_it_is_there_unless_it_is_turned_off(rendering: Rendering) -> None:
    assert {each.name for each in rendering.of_type(DEPLOYMENT)} == {"gateway", MODEL, *PARTS}
    assert rendering.outputs["monitoring"] == {
        "prometheus": "http://127.0.0.1:9090",
        "alertmanager": "http://127.0.0.1:9093",
    }
    assert "monitoring" not in render_stack().outputs


def test_grafana_runs_where_it_is_asked_for() -> None:
    asked = render_stack(**{**ON, "monitoring": {"grafana": True}})
    assert main_container(asked, "grafana")["image"] == "slm-kit/grafana:1.0"
    assert asked.outputs["monitoring"]["grafana"] == "http://127.0.0.1:3001"


def test_prometheus_finds_each_ready_replica_by_the_models_full_name(rendering: Rendering) -> None:
    config = one(rendering, "kubernetes:core/v1:ConfigMap", "prometheus-config").inputs["data"]
    jobs = {each["job_name"]: each for each in yaml.safe_load(config["prometheus.yml"])["scrape_configs"]}
    (found,) = jobs["engine"]["dns_sd_configs"]
    assert found["names"] == [f"{MODEL}.models.svc.cluster.local."]
    assert "node" not in jobs
    assert "host_memory" not in config["recording.yml"] + config["alerts.yml"]


@pytest.mark.parametrize(
    ("more", "classes"),
    [
        ({}, {None}),
        ({"storageClass": "fast"}, {"fast"}),
        ({"storageClass": "files", "sharedAccess": "ReadWriteMany"}, {None}),
        ({"storageClass": "files", "sharedAccess": "ReadWriteMany", "diskClass": "fast"}, {"fast"}),
    ],
)
def test_its_data_is_on_a_disk_and_on_no_file_share(more: dict[str, str], classes: set[str | None]) -> None:
    rendering = render_stack(**ON, kubernetes={**CLUSTER, **more})
    claims = {each.name: each.inputs["spec"].get("storageClassName") for each in rendering.of_type(CLAIM)}
    assert claims.pop("models") == more.get("storageClass")
    assert claims.keys() == {"prometheus-data", "loki-data", "alertmanager-data"}
    assert set(claims.values()) == classes


def test_the_collectors_name_keeps_its_address_while_its_pod_is_away(rendering: Rendering) -> None:
    forms = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in rendering.of_type(SERVICE)}
    assert forms["prometheus"]["clusterIP"] == "None"
    assert "clusterIP" not in forms["collector"]
    assert {each["port"] for each in forms["collector"]["ports"]} == {8007, 8888, 9464}


def test_the_set_begins_to_watch_once_the_models_are_served(rendering: Rendering) -> None:
    engine = one(rendering, DEPLOYMENT, MODEL)
    (watching,) = rendering.of_type("slm:index:Monitoring")
    assert engine.urn in watching.dependencies
    urns = [each.urn for each in rendering.resources]
    assert urns.index(engine.urn) < urns.index(one(rendering, DEPLOYMENT, "prometheus").urn)


def test_an_alert_that_an_engine_is_down_waits_for_a_node_and_an_image(rendering: Rendering) -> None:
    files = one(rendering, "kubernetes:core/v1:ConfigMap", "prometheus-config").inputs["data"]
    rules = [rule for group in yaml.safe_load(files["alerts.yml"])["groups"] for rule in group["rules"]]
    recorded = yaml.safe_load(files["recording.yml"])["groups"]
    (budget,) = (
        int(rule["expr"].removeprefix("vector(").removesuffix(")"))
        for group in recorded
        for rule in group["rules"]
        if rule["record"] == "slm:start_budget_seconds"
    )
    (down,) = (rule["expr"] for rule in rules if rule["alert"] == "EngineDown")
    assert f"offset {budget + NODE_SECONDS + IMAGE_SECONDS}s" in down


def test_no_part_mounts_the_volume_of_another(rendering: Rendering) -> None:
    claims = [
        volume["persistentVolumeClaim"]["claimName"]
        for each in rendering.of_type(DEPLOYMENT)
        if each.name in PARTS
        for volume in each.inputs["spec"]["template"]["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    assert len(claims) == 3


def test_volumes_have_the_sizes_that_settings_give() -> None:
    settings = {**ON, "monitoring": {"storageGib": 10}}
    sizes = {
        each.name: each.inputs["spec"]["resources"]["requests"]["storage"]
        for each in render_stack(**settings).of_type(CLAIM)
    }
    assert sizes["prometheus-data"] == "14Gi"
    assert sizes["loki-data"] == "8Gi"
    assert sizes["alertmanager-data"] == "1Gi"


def test_what_prometheus_keeps_is_compared_with_the_size_of_its_claim() -> None:
    made = render_stack(**{**ON, "monitoring": {"storageGib": 10}})
    rules = one(made, "kubernetes:core/v1:ConfigMap", "prometheus-config").inputs["data"]["recording.yml"]
    assert one(made, CLAIM, "prometheus-data").inputs["spec"]["resources"]["requests"]["storage"] == "14Gi"
    (used,) = (
        rule["expr"]
        for group in yaml.safe_load(rules)["groups"]
        for rule in group["rules"]
        if rule["record"] == "slm:disk_used:ratio" and rule["labels"]["volume"] == "prometheus"
    )
    assert used.endswith(f" / {14 * 2**30}")


def test_what_watches_reserves_less_than_what_serves(rendering: Rendering) -> None:
    for name in PARTS:
        resources = main_container(rendering, name)["resources"]
        assert resources["requests"]["cpu"] == "125m"
        assert resources["limits"]["cpu"] == "1"
    assert main_container(rendering, "gateway")["resources"]["requests"]["cpu"] == "1"


def test_pages_are_services_of_the_cluster_and_the_rest_is_not_published(rendering: Rendering) -> None:
    published = {each.name for each in rendering.of_type(SERVICE) if each.name.endswith("-published")}
    assert published == {"gateway-published", "prometheus-published", "alertmanager-published"}


def test_the_password_is_nowhere_in_the_plain(rendering: Rendering) -> None:
    for each in rendering.resources:
        secret = {path.split(".")[0].split("[")[0] for path in each.secret_paths}
        assert PASSWORD not in repr({k: v for k, v in each.inputs.items() if k not in secret}), each.name


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"monitoring": None, "passwords": None}, "has no password yet"),
        ({**ON, "monitoring": {"receivers": [{"name": "ops", "kind": "slack"}]}}, "is not set"),
        ({"models": [{"name": "prometheus", "model": MODEL}]}, "name of gateway"),
        ({"models": [{"name": "loki-published", "model": MODEL}]}, "are one name"),
    ],
)
def test_what_cannot_work_is_refused_before_the_first_resource(changes: dict[str, Any], words: str) -> None:
    with pytest.raises((KitError, RehearsalError), match=words):
        render_stack(**changes)


def test_images_of_the_parts_have_the_prefix_and_tag_of_the_cluster() -> None:
    images = {"prefix": "registry.example/slm", "tag": "7"}
    made = render_stack(**ON, kubernetes={**CLUSTER, "images": images})
    assert {main_container(made, name)["image"] for name in PARTS} == {
        f"registry.example/slm/{name}:7" for name in PARTS
    }
