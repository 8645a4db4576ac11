"""The workload layer as its program registers it, and what it refuses before anything is registered."""

from typing import Any

import pytest

from catalog.errors import KitError
from catalog.images import upstream_image
from rehearsal import Rendering, render
from rehearsal.errors import RehearsalError
from tests.components.kubernetes_stack import CLUSTER, CONFIG, KEY, MODEL, ON_GPU, POOL, render_stack
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    return render_stack()


def test_each_part_has_its_deployment_and_the_models_their_job(rendering: Rendering) -> None:
    deployments = {each.name for each in rendering.of_type("kubernetes:apps/v1:Deployment")}
    assert deployments == {"gateway", MODEL}
    (job,) = rendering.of_type("kubernetes:batch/v1:Job")
    (engine,) = (e for e in rendering.of_type("kubernetes:apps/v1:Deployment") if e.name == MODEL)
    assert job.urn in _behind(rendering, engine.urn), "an engine starts once its model is there"


def _behind(rendering: Rendering, urn: str) -> set[str]:
    """All that a resource waits for, itself or through a component."""
    by_urn = {each.urn: each for each in rendering.resources}
    found, open_ = set[str](), [urn]
    while open_:
        each = by_urn.get(open_.pop())
        if each is None or each.urn in found:
            continue
        found.add(each.urn)
        open_ += [*each.dependencies, *([each.parent] if each.parent else [])]
        open_ += [e.urn for e in rendering.resources if e.parent and e.parent in each.dependencies]
    return found


def test_the_gateway_asks_for_engines_by_their_full_names(rendering: Rendering) -> None:
    (config,) = (e for e in rendering.of_type("kubernetes:core/v1:ConfigMap") if e.name == "gateway-config")
    assert f"{MODEL}.models.svc.cluster.local:8000" in config.inputs["data"]["haproxy.cfg"]


def test_no_key_and_no_hash_of_one_is_in_the_plain(rendering: Rendering) -> None:
    for each in rendering.resources:
        plain = {key: value for key, value in each.inputs.items() if not _secret(each.secret_paths, key)}
        assert KEY not in repr(plain), each.name


def _secret(paths: Any, key: str) -> bool:
    return any(path.split(".")[0].split("[")[0] == key for path in paths)


def test_a_key_in_the_clear_is_refused() -> None:
    with pytest.raises(RehearsalError, match="is in the clear"):
        render(ROOT, "rendered", CONFIG, secrets=set())


def test_only_what_outlives_a_stack_is_taken_over_from_an_earlier_one(rendering: Rendering) -> None:
    keeper, *others = (each for each in rendering.of_type("kubernetes:core/v1:PersistentVolumeClaim"))
    assert not others
    (namespace,) = rendering.of_type("kubernetes:core/v1:Namespace")
    providers = {each.name: each for each in rendering.of_type("pulumi:providers:kubernetes")}
    assert str(providers["cluster-kept"].inputs["upsertExistingObjects"]).lower() == "true"
    assert str(providers["cluster"].inputs["upsertExistingObjects"]).lower() == "false"
    kept = providers["cluster-kept"].urn
    assert keeper.provider.startswith(kept)
    assert namespace.provider.startswith(kept)
    for service in rendering.of_type("kubernetes:core/v1:Service"):
        assert service.provider.startswith(providers["cluster"].urn)


def test_images_have_the_prefix_and_tag_of_the_cluster() -> None:
    prefix = "registry.example/slm"
    rendering = render_stack(kubernetes={**CLUSTER, "images": {"prefix": prefix, "tag": "7"}})
    images = {
        container["image"]
        for each in rendering.of_type("kubernetes:apps/v1:Deployment")
        for container in each.inputs["spec"]["template"]["spec"]["containers"]
    }
    assert images == {f"{prefix}/gateway:7", f"{prefix}/onnx-server:7"}


@pytest.mark.parametrize(
    ("prefix", "policy"),
    [
        (None, "Never"),
        ("acme/slm-kit", "Never"),
        ("registry.example/slm", "IfNotPresent"),
        ("registry:5000", "IfNotPresent"),
        ("localhost/slm-kit", "IfNotPresent"),
    ],
)
def test_an_image_that_no_registry_has_is_never_asked_for_at_docker_hub(
    prefix: str | None, policy: str
) -> None:
    images = {"tag": "7"} if prefix is None else {"prefix": prefix, "tag": "7"}
    pool = {**POOL["kubernetes"], "images": images, "devicePlugin": True, "gpuMetricsFor": "monitoring"}
    rendering = render_stack(**{**POOL, "models": [ON_GPU], "kubernetes": pool})
    policies = {
        container["image"]: container.get("imagePullPolicy")
        for each in rendering.resources
        for pod in [(each.inputs.get("spec") or {}).get("template", {}).get("spec", {})]
        for container in [*pod.get("initContainers", []), *pod.get("containers", [])]
    }
    ours = {image: found for image, found in policies.items() if image.endswith(":7")}
    assert {image.rpartition("/")[2] for image in ours} == {
        "gateway:7", "model-tools-fetch:7", "gpu-exporter:7"
    }  # fmt: skip
    assert set(ours.values()) == {policy}
    assert policies[upstream_image("vllm")] == "IfNotPresent", "an image of others is pulled"


def test_the_namespace_is_named_after_the_stack_and_no_longer_than_one_may_be() -> None:
    rendering = render_stack("s" * 63, kubernetes={"images": {"tag": "1.0"}})
    (namespace,) = rendering.of_type("kubernetes:core/v1:Namespace")
    name = namespace.inputs["metadata"]["name"]
    assert name.startswith("slm-sss")
    assert len(name) == 63


def test_a_model_on_gpus_is_sent_to_its_pool_with_the_image_that_is_pulled() -> None:
    rendering = render_stack(models=[ON_GPU], **POOL)
    found = rendering.of_type("kubernetes:apps/v1:Deployment")
    specs = {each.name: each.inputs["spec"]["template"]["spec"] for each in found}
    assert specs["chat"]["nodeSelector"] == {"slm-kit.pool": "gpu"}
    tolerated = {each["key"] for each in specs["chat"]["tolerations"]}
    assert tolerated == {"sku", "nvidia.com/gpu", "kubernetes.azure.com/scalesetpriority"}
    (engine,) = specs["chat"]["containers"]
    assert engine["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert engine["image"] == upstream_image("vllm")
    assert not specs["gateway"].get("nodeSelector")
    assert not specs["gateway"].get("tolerations")


def test_the_device_plugin_runs_on_the_pools_in_a_namespace_of_its_own_where_asked_for() -> None:
    cluster = {**POOL["kubernetes"], "devicePlugin": True, "gpuMetricsFor": "monitoring"}
    rendering = render_stack(models=[ON_GPU], **{**POOL, "kubernetes": cluster})
    sets = {each.name: each.inputs for each in rendering.of_type("kubernetes:apps/v1:DaemonSet")}
    assert sets.keys() == {"gpu-device-plugin", "gpu-gpu-exporter"}
    for each in sets.values():
        spec = each["spec"]["template"]["spec"]
        (required,) = spec["affinity"]["nodeAffinity"].values()
        ((rule,),) = (term["matchExpressions"] for term in required["nodeSelectorTerms"])
        assert rule == {"key": "slm-kit.pool", "operator": "In", "values": ["gpu"]}
        assert {found["key"] for found in spec["tolerations"]} >= {"sku", "nvidia.com/gpu"}
    spaces = {
        each.name: each.inputs["metadata"] for each in rendering.of_type("kubernetes:core/v1:Namespace")
    }
    assert spaces["cluster"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert spaces["gpu"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"
    assert not render_stack(models=[ON_GPU], **POOL).of_type("kubernetes:apps/v1:DaemonSet")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kubernetes": None}, "slm-kit:kubernetes"),
        ({"kubernetes": {"namespace": "models"}}, "kubernetes.images"),
        ({"kubernetes": {**CLUSTER, "namespace": "Models"}}, "kubernetes.namespace"),
        (
            {"kubernetes": {**CLUSTER, "images": {"prefix": "https://registry.example/slm/", "tag": "7"}}},
            "Write 'registry.example/slm'",
        ),
        ({"monitoring": None}, "has no password"),
        ({"modelFolder": "/models"}, "modelFolder"),
        ({"models": [{"name": "7b-chat", "model": MODEL}]}, "7b-chat"),
        ({"models": [{"name": "a.b", "model": MODEL}, {"name": "a-b", "model": MODEL}]}, "are one name"),
        (
            {
                "models": [
                    {"name": "m" * 50 + "-1.5", "model": MODEL},
                    {"name": "m" * 50 + "-1-5", "model": MODEL},
                ]
            },
            "are one name",
        ),
        ({"models": [{"name": "gateway-published", "model": MODEL}]}, "are one name"),
        ({"hardware": "l4"}, "hardware"),
        ({"kubernetes": {**CLUSTER, "admits": ["Chat"]}}, "kubernetes.admits"),
        ({"kubernetes": {**CLUSTER, "devicePlugin": True}}, "Name them in gpuPools"),
        ({"models": [{**ON_GPU, "contextLength": 8192, "concurrency": 64}], **POOL}, "pool gpu: .* GiB"),
        ({"models": [{**ON_GPU, "update": "start-first"}], **POOL}, "update start-first of chat, pool gpu"),
        ({"models": [ON_GPU, {"name": MODEL, "engine": "onnx"}], **POOL}, "ReadWriteOnce"),
    ],
)
def test_what_cannot_run_there_is_refused_with_the_setting(changes: dict[str, Any], words: str) -> None:
    with pytest.raises((KitError, RehearsalError), match=words):
        render_stack(**changes)
