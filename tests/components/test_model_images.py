"""Models as images: mounted where the store would be, with nothing else changed; what is refused."""

import copy
import re
from typing import Any

import pytest

from catalog import models
from catalog.errors import KitError
from components.model_images import ModelImages
from components.platforms.docker_workload import mount_args
from components.platforms.kubernetes_times import IMAGE_SECONDS
from components.workload import Mount
from rehearsal import Rendering
from rehearsal.errors import RehearsalError
from tests.components.kubernetes_pod_security import violations
from tests.components.kubernetes_stack import CLUSTER, MODEL, ON_GPU, POOL, render_stack
from tests.components.test_edge_composition import PLANT, render_sites

IMAGES = {"images": {"prefix": "registry.example/kit", "tag": "7", "pullSecrets": ["mine"]}}
AS_IMAGES = {**CLUSTER, **IMAGES, "modelImages": {"prefix": "registry.example/models"}}
REPOSITORY = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*")
"""A part of a repository's name: https://github.com/distribution/reference/blob/main/reference.go"""


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    return render_stack(kubernetes=AS_IMAGES)


def pod(rendering: Rendering, name: str = MODEL) -> dict[str, Any]:
    """The pod template of an engine."""
    (found,) = (e for e in rendering.of_type("kubernetes:apps/v1:Deployment") if e.name == name)
    return copy.deepcopy(dict(found.inputs["spec"]["template"]))


def test_an_engines_pod_differs_from_one_with_a_store_in_its_volume_alone(rendering: Rendering) -> None:
    stored = pod(render_stack(kubernetes={**CLUSTER, **IMAGES}))["spec"]
    found = pod(rendering)["spec"]
    volumes = {each["name"]: each for each in found["volumes"]}
    others = {each["name"]: each for each in stored["volumes"]}
    assert volumes.keys() == others.keys()
    (changed,) = (name for name in volumes if volumes[name] != others[name])
    assert others[changed].keys() == {"name", "persistentVolumeClaim"}
    assert volumes[changed]["image"]["pullPolicy"] == "IfNotPresent"
    # Engines of one node's claim stay on that node; these are spread.
    for spec in (stored, found):
        spec.pop("affinity", None)
        spec.pop("topologySpreadConstraints", None)
        spec.pop("volumes")
    assert found == stored, "command, mounts and all the rest are the same"


def test_the_image_is_mounted_read_only_where_the_engine_looks(rendering: Rendering) -> None:
    spec = pod(rendering)["spec"]
    (volume,) = (each for each in spec["volumes"] if "image" in each)
    (engine,) = spec["containers"]
    (mount,) = (each for each in engine["volumeMounts"] if each["name"] == volume["name"])
    assert (mount["mountPath"], mount["readOnly"]) == ("/models", True)
    folder = engine["args"][engine["args"].index("--model") + 1]
    assert folder.startswith(f"/models/{MODEL}/")
    assert re.fullmatch(rf"registry\.example/models/model-{MODEL}-[a-z0-9-]+:[0-9a-f]{{16}}",
                        volume["image"]["reference"])  # fmt: skip
    assert violations(pod(rendering)) == []


def test_the_cluster_downloads_nothing_and_claims_nothing(rendering: Rendering) -> None:
    assert not rendering.of_type("kubernetes:batch/v1:Job")
    assert not rendering.of_type("kubernetes:core/v1:PersistentVolumeClaim")
    for account in rendering.of_type("kubernetes:core/v1:ServiceAccount"):
        assert account.inputs["imagePullSecrets"] == [{"name": "mine"}], "for what is mounted, too"


def test_the_stack_says_which_images_it_wants(rendering: Rendering) -> None:
    (reference,) = (
        each["image"]["reference"] for each in pod(rendering)["spec"]["volumes"] if "image" in each
    )
    assert rendering.outputs["modelImages"] == {MODEL: reference}
    assert "modelStore" not in rendering.outputs


def test_without_a_prefix_of_its_own_it_is_that_of_the_other_images() -> None:
    outputs = render_stack(kubernetes={**AS_IMAGES, "modelImages": {}}).outputs
    assert outputs["modelImages"][MODEL].startswith("registry.example/kit/model-")


def test_an_update_waits_for_both_images(rendering: Rendering) -> None:
    def deadline(found: Rendering) -> int:
        (one,) = (e for e in found.of_type("kubernetes:apps/v1:Deployment") if e.name == MODEL)
        return int(one.inputs["spec"]["progressDeadlineSeconds"])

    assert deadline(rendering) == deadline(render_stack()) + IMAGE_SECONDS


def test_models_on_several_nodes_need_no_shared_claim() -> None:
    models_ = [ON_GPU, {"name": MODEL, "engine": "onnx", "variant": "onnx-int8"}]
    rendering = render_stack(
        models=models_, **{**POOL, "kubernetes": {**POOL["kubernetes"], "modelImages": {}}}
    )
    assert len(rendering.outputs["modelImages"]) == 2
    assert not pod(rendering)["spec"].get("affinity")


def test_replicas_that_share_a_volume_of_caches_still_need_one_node() -> None:
    pool = {"name": "gpu", "gpu": "t4", "maxNodes": 2}
    chat = {**ON_GPU, "scaling": {"minReplicas": 2, "maxReplicas": 2}}
    cluster = {**CLUSTER, "gpuPools": [pool], "modelImages": {}}
    with pytest.raises(RehearsalError, match="volume of its caches has access mode ReadWriteOnce"):
        render_stack(models=[chat], modelSource="hf", kubernetes=cluster)
    render_stack(models=[chat], modelSource="hf", kubernetes={**cluster, "sharedAccess": "ReadWriteMany"})


def test_a_site_on_kubernetes_may_have_them_too() -> None:
    site = {**PLANT, "kubernetes": {**PLANT["kubernetes"], "modelImages": {}}}
    rendering = render_sites(site)
    assert not rendering.of_type("kubernetes:batch/v1:Job")
    assert any("image" in each for each in pod(rendering, f"plant--{MODEL}")["spec"]["volumes"])


def test_every_variant_of_the_catalog_has_a_name_that_a_registry_takes() -> None:
    images = ModelImages("registry.example/models")
    found = set()
    for model in models.load().values():
        for name, variant in model.variants.items():
            if variant.source.locked:
                reference = images.reference(model, name)
                found.add(reference)
                assert REPOSITORY.fullmatch(reference.rpartition("/")[2].partition(":")[0]), reference
    assert len(found) > 10


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"modelImages": {"tag": "1"}}, r"modelImages\.tag.*no such setting"),
        ({"modelImages": {"prefix": "Registry"}}, r"modelImages\.prefix 'Registry'"),
        ({"modelImages": {}, "storeGib": 8}, "there is no model store"),
    ],
)
def test_settings_that_say_nothing_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RehearsalError, match=words):
        render_stack(kubernetes={**CLUSTER, **changes})


def test_docker_mounts_no_image() -> None:
    with pytest.raises(KitError, match="an image at /models"):
        mount_args(Mount("/models", image="x:1"))
