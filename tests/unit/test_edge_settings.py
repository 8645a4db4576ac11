"""What an edge stack's config may say, and what a site is told that cannot be."""

from typing import Any

import pytest

from catalog.errors import KitError
from stacks.edge_config import refuse_unknown
from stacks.edge_plan import SitePlan, plan_sites
from stacks.parsing import parse_edge

MODEL = "smollm2-135m-instruct"
SERVED = [{"name": MODEL, "contextLength": 1024, "concurrency": 2}]
LARGE = {"name": MODEL, "contextLength": 8192, "concurrency": 64}
IMAGES = {"tag": "1.0"}
PLANT: dict[str, Any] = {
    "name": "plant",
    "hardware": "raspberry-pi-5-8",
    "location": "fr-lyon",
    "models": SERVED,
    "keys": [{"id": "plant"}],
    "kubernetes": {"kubeconfig": "/etc/slm/plant.yaml", "images": IMAGES},
}
SHOP = {**PLANT, "name": "shop", "keys": [{"id": "shop"}], "kubernetes": None}
SHOP |= {"docker": {"host": "ssh://kit@shop:2222"}}


def planned(*sites: dict[str, Any], **changes: Any) -> tuple[SitePlan, ...]:
    """The plans of these sites; None is left out."""
    written = [{key: value for key, value in site.items() if value is not None} for site in sites]
    ids = [key["id"] for site in written for key in site["keys"]]
    config = {"target": "edge", "sites": written, "modelSource": "pypi", **changes}
    return plan_sites(parse_edge(config, dict.fromkeys(ids, "there")))


def test_a_site_gets_no_more_processors_than_its_hardware_has() -> None:
    (plan,) = planned({**PLANT, "models": [{**SERVED[0], "cpus": 16}]})
    assert [each.serving.cpus for each in plan.made.hosted] == [4]


def test_sizing_takes_the_engine_and_variant_that_the_hardware_can_run() -> None:
    on_gpu, on_cpu = planned({**SHOP, "hardware": "orin-nano-8"}, PLANT)
    chosen = [(e.decision.engine, e.decision.gpus) for plan in (on_gpu, on_cpu) for e in plan.made.hosted]
    assert chosen == [("ollama", 1), ("onnx", 0)]
    assert on_gpu.made.hosted[0].devices == (0,)


def test_the_table_of_a_site_says_how_fast_its_memory_lets_it_be() -> None:
    (slow,), (fast,) = (planned({**PLANT, "hardware": each}) for each in ("raspberry-pi-5-8", "cpu-8"))
    speeds = [plan.made.sizes[0].tokens_per_second_one or 0 for plan in (slow, fast)]
    assert 0 < speeds[0] < speeds[1]
    assert slow.table.startswith("site plant: Raspberry Pi 5 8 GB, arm64; fr-lyon, ring stable")


def test_what_is_known_of_a_site_better_than_by_its_hardware_counts() -> None:
    with pytest.raises(KitError, match=r"site shop: SmolLM2.*tokens"):
        planned({**SHOP, "models": [LARGE]})
    (plan,) = planned({**SHOP, "models": [LARGE], "memoryMib": 30_000})
    assert plan.made.hosted[0].fit.fits


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": [LARGE]}, "site plant: SmolLM2.*64 x 8192 tokens"),
        ({"models": [{**SERVED[0], "engine": "vllm"}]}, f"site plant: .*{MODEL}"),
        ({"models": [{**SERVED[0], "contextLength": 10**6}]}, f"site plant: contextLength .*{MODEL}"),
        ({"hardware": "raspberry-pi-99"}, "site plant: hardware 'raspberry-pi-99'.*Did you mean"),
        ({"kubernetes": None}, "site plant: how it is reached"),
        ({"docker": {"host": "ssh://plant"}}, "site plant: how it is reached"),
        ({"kubernetes": {"images": IMAGES}}, "site plant: kubernetes.kubeconfig"),
        ({"kubernetes": None, "docker": {"host": "tcp://plant:2375"}}, r"sites\[1\].docker.host"),
        ({"name": "a--b"}, r"sites\[1\].name"),
        ({"name": "shop"}, "name 'shop' is that of site shop"),
        ({"keys": [{"id": "shop"}]}, "key id 'shop' is that of site shop"),
        ({"location": "Lyon, France"}, r"sites\[1\].location"),
        ({"memoryMib": 600}, "site plant: "),
        ({"hardware": "orin-nano-8"}, "site plant: hardware orin-nano-8: is a GPU"),
        ({"kubernetes": {**PLANT["kubernetes"], "gpuPools": [{"name": "gpu", "gpu": "t4"}]}},
         r"site plant: kubernetes\.gpuPools"),
        ({"models": [{**SERVED[0], "scaling": {"minReplicas": 0}}]}, f"site plant: scaling of model {MODEL}"),
        ({"models": [{**SERVED[0], "scaling": {"maxReplicas": 3}}]}, f"site plant: scaling of model {MODEL}"),
        ({"kubernetes": None, "docker": {"host": "ssh://plant", "images": IMAGES}},
         "site plant: docker.images.prefix 'slm-kit': names no registry.*localhost/slm-kit"),
        ({"modles": []}, r"sites\[1\].modles: there is no such setting. Did you mean models"),
        ({"models": [{"name": "chat", "engine": "external", "external": {
            "url": "https://api.example/v1", "credential": "none"}}]}, "external model chat"),
    ],
)  # fmt: skip
def test_what_a_site_cannot_be_is_refused_before_any_site_is_made(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(KitError, match=words):
        planned(SHOP, {**PLANT, **changes})


def test_a_sites_images_may_be_loaded_on_it_or_come_from_a_registry() -> None:
    for prefix in ("localhost/slm-kit", "registry.example/slm-kit"):
        docker = {**SHOP["docker"], "images": {**IMAGES, "prefix": prefix}}
        assert len(planned({**SHOP, "docker": docker})) == 1


def test_two_sites_on_one_engine_need_two_ports() -> None:
    other = {**SHOP, "name": "other", "keys": [{"id": "other"}]}
    with pytest.raises(KitError, match="gatewayPort 8080 on ssh://kit@shop:2222 is that of site shop"):
        planned(SHOP, other)
    assert len(planned(SHOP, {**other, "docker": {**SHOP["docker"], "gatewayPort": 8081}})) == 2


def test_a_key_without_a_secret_is_refused_by_its_id() -> None:
    with pytest.raises(KitError, match=r"key 'plant'.*has no secret"):
        parse_edge({"target": "edge", "sites": [PLANT]}, {})


def test_a_setting_of_another_target_is_refused() -> None:
    refuse_unknown(["slm-kit:target", "slm-kit:sites", "slm-kit:keySecrets", "aws:region"])
    with pytest.raises(KitError, match=r"slm-kit:site: .*Did you mean slm-kit:sites"):
        refuse_unknown(["slm-kit:target", "slm-kit:site"])
