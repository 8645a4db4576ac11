"""The GPUs of a stack's pools, as its own monitoring sees them."""

from typing import Any

import pytest
import yaml

from rehearsal import Rendering
from tests.components.kubernetes_program import DEPLOYMENT, POLICY, SERVICE, one
from tests.components.kubernetes_stack import ON_GPU, POOL, render_stack
from tests.components.test_kubernetes_monitoring import ON

NAMESPACE, DAEMONS = "kubernetes:core/v1:Namespace", "kubernetes:apps/v1:DaemonSet"


@pytest.fixture(scope="module")
def on_gpus() -> Rendering:
    kubernetes = {**POOL["kubernetes"], "devicePlugin": True, "gpuMetricsFor": "elsewhere"}
    return render_stack(**{**POOL, **ON, "kubernetes": kubernetes}, models=[ON_GPU])


def jobs_of(rendering: Rendering) -> dict[str, Any]:
    config = one(rendering, "kubernetes:core/v1:ConfigMap", "prometheus-config").inputs["data"]
    return {each["job_name"]: each for each in yaml.safe_load(config["prometheus.yml"])["scrape_configs"]}


def test_prometheus_asks_the_exporter_that_the_stack_runs_on_its_pools(on_gpus: Rendering) -> None:
    service = one(on_gpus, SERVICE, "gpu-metrics").inputs
    (found,) = jobs_of(on_gpus)["gpu"]["dns_sd_configs"]
    place = service["metadata"]["namespace"]
    assert place == one(on_gpus, NAMESPACE, "gpu").inputs["metadata"]["name"]
    assert found["names"] == [f"gpu-exporter.{place}.svc.cluster.local."]
    assert found["port"] == service["spec"]["ports"][0]["port"]
    files = one(on_gpus, "kubernetes:core/v1:ConfigMap", "prometheus-config").inputs["data"]
    assert "slm:gpu_xid" in files["recording.yml"]
    assert "GpuThrottled" in files["alerts.yml"]
    assert not [each.name for each in on_gpus.of_type(DEPLOYMENT) if "gpu" in each.name]


def test_both_ends_let_prometheus_ask_the_exporter(on_gpus: Rendering) -> None:
    policies = {each.name: each.inputs["spec"] for each in on_gpus.of_type(POLICY)}
    (rule,) = policies["gpu"]["ingress"]
    own = one(on_gpus, "kubernetes:core/v1:Namespace", "cluster").inputs["metadata"]["name"]
    admitted = {
        each["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for each in rule["from"]
    }
    assert admitted == {own, "elsewhere"}
    place = one(on_gpus, NAMESPACE, "gpu").inputs["metadata"]["labels"]
    pods = one(on_gpus, "kubernetes:apps/v1:DaemonSet", "gpu-gpu-exporter").inputs["spec"]["template"][
        "metadata"
    ]
    asked = [
        name
        for name, spec in policies.items()
        for each in spec.get("egress", ())
        for peer in each.get("to", ())
        if peer.get("namespaceSelector", {}).get("matchLabels", {"": ""}).items() <= place.items()
        and peer.get("podSelector", {}).get("matchLabels", {"": ""}).items() <= pods["labels"].items()
    ]
    assert asked == ["prometheus"]


def test_without_an_exporter_of_its_own_a_stack_says_nothing_of_gpus() -> None:
    made = render_stack(**{**POOL, **ON}, models=[ON_GPU])
    assert "gpu" not in jobs_of(made)
    files = one(made, "kubernetes:core/v1:ConfigMap", "prometheus-config").inputs["data"]
    assert "gpu" not in files["recording.yml"] + files["alerts.yml"]
