"""What a cluster cannot run is refused, and how a pod is asked whether it is well."""

from typing import Any

import pytest

from catalog.errors import KitError
from components.platforms.kubernetes_checks import check, check_gpus, check_nodes, check_place
from components.platforms.kubernetes_pod import grace_seconds, probe
from components.workload import Kind, Mount, Probe, Resources, Update, Workload
from stacks.kubernetes_platform import check_plan
from stacks.parsing import parse
from stacks.plan import plan

ASKED = Probe("/-/ready", 9090, ("http-probe", "9090"), interval_seconds=30, start_seconds=100)


def on_gpus(gpus: int, replicas: int = 1, update: Update = Update.STOP_FIRST) -> Workload:
    return Workload(image="i", resources=Resources(64, 1, gpus=gpus), replicas=replicas, update=update)


@pytest.mark.parametrize("namespace", ["default", "kube-system", "", "Slm", "a.b", "a" * 64])
def test_a_namespace_that_is_not_a_stacks_own_is_refused(namespace: str) -> None:
    check_place("slm", (), 1)
    with pytest.raises(KitError, match="of the stack's own"):
        check_place(namespace, (), 1)


@pytest.mark.parametrize(
    "given",
    [
        *[
            "10.9.0.0/33",
            "mirror.example",
            "10.9.1.1/16",
            "10.0.0.1",
            "fd00::1",
            "fe80::%1/64",
            "10.9.0.0/016",
        ],
        # Python takes these for /24.
        *["203.0.113.0/255.255.255.0", "203.0.113.0/0.0.0.255"],
    ],
)
def test_a_range_that_is_no_network_is_refused(given: str) -> None:
    check_place("slm", ("10.9.0.0/16", "10.0.0.1/32", "0.0.0.0/0", "fd00::/8", "2001:DB8::/32"), 1)
    with pytest.raises(KitError, match="CIDR"):
        check_place("slm", (given,), 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"namespace": "default"}, "of the stack's own"),
        ({"namespace": "kube-system"}, "of the stack's own"),
        ({"egressRanges": ["10.9.1.1/16"]}, "CIDR"),
    ],
)
def test_a_plan_of_a_place_that_is_not_the_stacks_is_refused(changes: dict[str, Any], words: str) -> None:
    config = {
        "target": "kubernetes",
        "models": [{"name": "smollm2-135m-instruct", "engine": "onnx"}],
        "keys": [{"id": "a"}],
        "kubernetes": {"images": {"tag": "1"}, **changes},
        "monitoring": {"enabled": False},
    }
    settings = parse(config, {"a": "k"})
    assert settings.kubernetes is not None
    with pytest.raises(KitError, match=words):
        check_plan(plan(settings), settings, settings.kubernetes)


def test_a_store_that_the_files_of_the_models_do_not_fit_into_is_refused_once_for_each_variant() -> None:
    model = {"model": "qwen3-4b", "engine": "ollama", "contextLength": 1024, "concurrency": 1}
    for gib, names in ((2, ["a"]), (3, ["a", "b"])):
        config = {
            "target": "kubernetes", "models": [{**model, "name": name} for name in names],
            "keys": [{"id": "a"}], "modelSource": "hf",
            "kubernetes": {"images": {"tag": "1"}, "storeGib": gib},
        }  # fmt: skip
        settings = parse(config, {"a": "slm-key"})
        assert settings.kubernetes is not None
        if gib == 3:
            check_plan(plan(settings), settings, settings.kubernetes)
            continue
        with pytest.raises(KitError, match=r"storeGib 2: the files of the models are 2\.3 GiB.*to 3 or more"):
            check_plan(plan(settings), settings, settings.kubernetes)


def test_models_that_are_images_need_no_room_in_a_store() -> None:
    config = {
        "target": "kubernetes", "keys": [{"id": "a"}], "modelSource": "hf",
        "models": [{"name": name, "model": name, "engine": "ollama", "variant": "gguf-q4_k_m",
                    "contextLength": 1024, "concurrency": 1} for name in ("gemma-3-27b-it", "qwen3-30b-a3b")],
        "kubernetes": {"images": {"tag": "1"}},
    }  # fmt: skip
    settings = parse(config, {"a": "slm-key"})
    assert settings.kubernetes is not None
    with pytest.raises(KitError, match="storeGib 32"):
        check_plan(plan(settings), settings, settings.kubernetes)
    settings = parse({**config, "kubernetes": {"images": {"tag": "1"}, "modelImages": {}}}, {"a": "slm-key"})
    assert settings.kubernetes is not None
    check_plan(plan(settings), settings, settings.kubernetes)


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_a_share_of_a_processor_is_above_nothing_and_at_most_all(share: float) -> None:
    with pytest.raises(KitError, match="cpu_share"):
        check_place("slm", (), share)


def test_a_root_user_is_refused() -> None:
    with pytest.raises(KitError, match="restricted"):
        check("page", Workload(image="i", resources=Resources(64, 1), user=0))


def test_a_folder_of_the_host_is_refused_by_its_path() -> None:
    mount = Mount(path="/source", host_folder="/srv/models")
    with pytest.raises(KitError, match="/srv/models"):
        check("job", Workload(image="i", resources=Resources(64, 1), mounts=(mount,)))


def test_an_alias_that_no_service_can_have_is_refused() -> None:
    with pytest.raises(KitError, match="7b"):
        check("engine", Workload(image="i", resources=Resources(64, 1), alias="7b"))


def test_more_than_a_config_map_holds_is_refused_with_its_size() -> None:
    full = {"ca.pem": "é" * (512 * 1024)}
    check("job", Workload(image="i", resources=Resources(64, 1), config_files=full))
    with pytest.raises(KitError, match="1048577 bytes"):
        check("job", Workload(image="i", resources=Resources(64, 1), config_files={**full, "more": "x"}))


def test_gpus_are_counted_over_all_replicas_of_all_workloads() -> None:
    check_gpus({"a": on_gpus(1, replicas=2), "b": on_gpus(2)}, available=4)
    with pytest.raises(KitError, match=r"5 GPUs for a, b.*the nodes have 4.*Add 1"):
        check_gpus({"a": on_gpus(1, replicas=3), "b": on_gpus(2)}, available=4)


def test_one_gpu_and_an_update_that_needs_two_is_refused_with_the_fix() -> None:
    check_gpus({"a": on_gpus(1)}, available=1)
    check_gpus({"a": on_gpus(1, update=Update.START_FIRST)}, available=2)
    with pytest.raises(KitError, match=r"update start-first of a.*stop-first, or add 1"):
        check_gpus({"a": on_gpus(1, update=Update.START_FIRST)}, available=1)


def test_gpus_of_a_pod_are_in_one_node() -> None:
    check_nodes({"a": on_gpus(2, replicas=2), "b": on_gpus(1, replicas=2)}, nodes=2, per_node=3)
    with pytest.raises(KitError, match=r"one of 2 GPUs has no room.*2 nodes have 3 each.*Add a node"):
        check_nodes({"a": on_gpus(2, replicas=3)}, nodes=2, per_node=3)
    with pytest.raises(KitError, match="one of 2 GPUs has no room"):
        check_nodes({"a": on_gpus(2, replicas=2, update=Update.START_FIRST)}, nodes=2, per_node=3)


def test_a_job_on_a_gpu_needs_no_room_for_a_second_one() -> None:
    job = Workload(image="i", resources=Resources(64, 1, gpus=1), kind=Kind.JOB)
    check_gpus({"job": job}, available=1)


def test_what_may_be_behind_a_login_is_asked_inside_and_the_rest_over_http() -> None:
    assert probe(ASKED)["exec_"] == {"command": ["http-probe", "9090"]}
    assert "http_get" not in probe(ASKED)
    open_to_all = Probe("/ready", 8000, ("x",), http=True)
    assert probe(open_to_all)["http_get"] == {"path": "/ready", "port": 8000}
    assert "exec_" not in probe(open_to_all)


def test_a_job_is_killed_as_soon_as_its_own_time_is_over() -> None:
    service = Workload(image="i", resources=Resources(64, 1), drain_seconds=60)
    assert grace_seconds(service) == 15 + 60 + 5
    job = Workload(image="i", resources=Resources(64, 1), kind=Kind.JOB, drain_seconds=60)
    assert grace_seconds(job) == 60 + 5
