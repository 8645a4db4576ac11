"""An edge stack as its program registers it, and what it refuses before anything is registered."""

from typing import Any

import pytest

from rehearsal import Rendering, render
from rehearsal.api import RenderedResource
from rehearsal.errors import RehearsalError
from tests.conftest import ROOT

MODEL = "smollm2-135m-instruct"
SERVED = [{"name": MODEL, "contextLength": 1024, "concurrency": 2}]
IMAGES = {"prefix": "registry.example/slm-kit", "tag": "1.0"}
SHOP: dict[str, Any] = {
    "name": "shop-1",
    "hardware": "mini-pc-n100-16",
    "location": "de-hamburg",
    "ring": "canary",
    "models": SERVED,
    "keys": [{"id": "shop-1"}],
    "docker": {"host": "ssh://kit@shop-1.example:2222", "images": IMAGES},
}
PLANT: dict[str, Any] = {
    "name": "plant",
    "hardware": "raspberry-pi-5-8",
    "location": "fr-lyon",
    "models": SERVED,
    "keys": [{"id": "plant", "models": [MODEL]}],
    "kubernetes": {"kubeconfig": "/etc/slm/plant.yaml", "images": IMAGES},
}
LABELS = {"slm-kit.site": "plant", "slm-kit.location": "fr-lyon", "slm-kit.ring": "stable"}


def render_sites(*sites: dict[str, Any], **changes: Any) -> Rendering:
    """A stack of these sites; keys of `changes` without their namespace."""
    ids = [key["id"] for site in sites for key in site["keys"]]
    config: dict[str, Any] = {
        "slm-kit:target": "edge",
        "slm-kit:sites": list(sites),
        "slm-kit:modelSource": "pypi",
        "slm-kit:keySecrets": {each: f"slm-{each:x<43}" for each in ids},
        **{f"slm-kit:{key}": value for key, value in changes.items()},
    }
    return render(ROOT, "rendered", config, secrets={"slm-kit:keySecrets"})


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    return render_sites(SHOP, PLANT)


def of_site(rendering: Rendering, site: str) -> list[RenderedResource]:
    """Resources with the site as parent, near or far."""
    parents = {each.urn: each.parent for each in rendering.resources}
    (top,) = (each.urn for each in rendering.of_type("slm:index:EdgeSite") if each.name == site)

    def belongs(urn: str | None) -> bool:
        return urn == top or (urn is not None and belongs(parents.get(urn)))

    return [each for each in rendering.resources if each.urn != top and belongs(each.urn)]


def test_nothing_of_a_site_depends_on_another(rendering: Rendering) -> None:
    everything = {site: of_site(rendering, site) for site in ("shop-1", "plant")}
    urns = {site: {each.urn for each in resources} for site, resources in everything.items()}
    assert not urns["shop-1"] & urns["plant"]
    for site, other in (("shop-1", "plant"), ("plant", "shop-1")):
        assert len(urns[site]) > 10
        for each in everything[site]:
            assert not urns[other] & {*each.dependencies, each.provider}, each.name


def test_a_docker_site_is_made_through_its_own_engine(rendering: Rendering) -> None:
    (provider,) = rendering.of_type("pulumi:providers:docker")
    assert provider.inputs["host"] == "ssh://kit@shop-1.example:2222"
    mine = [each for each in of_site(rendering, "shop-1") if each.type.startswith("docker:")]
    assert len(mine) > 8
    assert {each.provider for each in mine} == {provider.urn}


def test_a_kubernetes_site_is_made_through_its_own_kubeconfig(rendering: Rendering) -> None:
    providers = {each.urn: each for each in rendering.of_type("pulumi:providers:kubernetes")}
    assert {each.inputs["kubeconfig"] for each in providers.values()} == {"/etc/slm/plant.yaml"}
    assert {each.inputs["clusterIdentifier"] for each in providers.values()} == {"rendered-plant"}
    mine = [each for each in of_site(rendering, "plant") if each.type.startswith("kubernetes:")]
    assert {each.provider for each in mine} == set(providers)


def test_everything_that_can_have_labels_says_its_site_location_and_ring(rendering: Rendering) -> None:
    for each in of_site(rendering, "plant"):
        if each.type.startswith("kubernetes:"):
            assert each.inputs["metadata"]["labels"].items() >= LABELS.items(), each.name
    for each in rendering.of_type("kubernetes:apps/v1:Deployment"):
        template = each.inputs["spec"]["template"]["metadata"]["labels"]
        assert template.items() >= LABELS.items()
        assert not set(LABELS) & set(each.inputs["spec"]["selector"]["matchLabels"]), "labels may change"
    labelled = [each for each in of_site(rendering, "shop-1") if each.type.startswith("docker:")]
    for each in labelled:
        if "/remoteImage:" not in each.type:
            given = {label["label"]: label["value"] for label in each.inputs["labels"]}
            assert given["slm-kit.location"] == "de-hamburg", each.name
            assert given["slm-kit.stack"] == "rendered"


def test_two_sites_on_one_engine_share_no_name() -> None:
    socket = "unix:///var/run/docker.sock"
    first = {**SHOP, "docker": {"host": socket, "images": IMAGES}}
    second = {**first, "name": "shop-2", "keys": [{"id": "shop-2"}]}
    second["docker"] = {"host": socket, "images": IMAGES, "gatewayPort": 8081}
    rendering = render_sites(first, second)
    kept = [e for e in rendering.of_type("docker:index/volume:Volume") if "name" in e.inputs]
    assert {each.inputs["name"] for each in kept} == {
        "slm-kit-rendered-shop-1--models",
        "slm-kit-rendered-shop-2--models",
    }
    ports = [
        port["external"]
        for each in rendering.of_type("docker:index/container:Container")
        for port in each.inputs.get("ports", ())
    ]
    assert sorted(ports) == [8080, 8081]
    names = [(each.type, each.name) for each in rendering.resources if each.custom]
    assert len(names) == len(set(names))


def test_two_clusters_serve_the_same_model_under_the_same_name_each_in_its_namespace() -> None:
    cluster = {"kubeconfig": "/etc/slm/depot.yaml", "images": IMAGES}
    rendering = render_sites(
        PLANT, {**PLANT, "name": "depot", "keys": [{"id": "depot"}], "kubernetes": cluster}
    )
    names = [(each.type, each.name) for each in rendering.resources]
    assert len(names) == len(set(names))
    doors = [each.inputs["metadata"]["name"] for each in rendering.of_type("kubernetes:core/v1:Service")]
    assert doors.count(MODEL) == 2


def test_images_are_built_on_the_engine_of_a_site_that_names_none() -> None:
    rendering = render_sites({**SHOP, "docker": {"host": "ssh://shop-1"}}, imageBase="slm-kit/base:trixie")
    built = {each.inputs["imageName"] for each in rendering.of_type("docker:index/image:Image")}
    assert "slm-kit/shop-1--gateway:rendered" in built


def test_the_outputs_tell_where_each_site_is_asked_and_what_it_runs(rendering: Rendering) -> None:
    sites = rendering.outputs["sites"]
    assert sites["shop-1"]["endpoint"] == "http://127.0.0.1:8080/v1"
    assert sites["plant"]["endpoint"] == (
        "http://plant--gateway.slm-rendered-plant.svc.cluster.local:8080/v1"
    )
    assert sites["shop-1"]["ring"] == "canary"
    assert "onnx" in sites["plant"]["models"][MODEL]


def test_one_site_that_cannot_be_keeps_all_sites_from_being_made() -> None:
    with pytest.raises(RehearsalError, match=r"site plant: SmolLM2.*64 x 8192"):
        render_sites(SHOP, {**PLANT, "models": [{**SERVED[0], "contextLength": 8192, "concurrency": 64}]})
