"""The monitoring set as the stack registers it."""

from typing import Any

import pytest

from components.monitoring.memory import ALWAYS, MEMORY_MIB
from rehearsal import RehearsalError, RenderedResource, Rendering
from tests.components.conftest import PASSWORD, render_stack, render_unwatched
from tests.unit.test_monitoring_settings import OUTSIDE

CONTAINER = "docker:index/container:Container"
MODEL = "smollm2-135m-instruct"
HOOK = "https://hooks.example.org/T000/secret-part"


def container(rendering: Rendering, name: str) -> RenderedResource:
    return next(each for each in rendering.of_type(CONTAINER) if each.name == name)


def networks(rendering: Rendering, name: str) -> set[str]:
    attached = container(rendering, name).inputs["networksAdvanced"]
    return {each["name"].rpartition("-")[0].removeprefix("local-") or each["name"] for each in attached}


def test_it_is_there_unless_it_is_turned_off(rendering: Rendering, unwatched: Rendering) -> None:
    names = {each.name for each in rendering.of_type(CONTAINER)}
    assert {*ALWAYS, "grafana"} <= names
    assert "gpu-exporter" not in names
    assert not set(ALWAYS) & {each.name for each in unwatched.of_type(CONTAINER)}
    assert rendering.outputs["monitoring"] == {
        "prometheus": "http://127.0.0.1:9090",
        "alertmanager": "http://127.0.0.1:9093",
        "grafana": "http://127.0.0.1:3001",
    }


def test_grafana_is_left_out_where_no_image_can_be_pulled() -> None:
    built = render_stack(images="build")
    assert "grafana" not in {each.name for each in built.of_type(CONTAINER)}
    assert "grafana" not in built.outputs["monitoring"]


def test_logs_go_to_the_collector_but_for_its_own_and_those_of_writers(rendering: Rendering) -> None:
    for each in rendering.of_type(CONTAINER):
        kept = each.name == "collector" or "uploads" in each.inputs
        assert each.inputs["logDriver"] == ("json-file" if kept else "fluentd"), each.name
    options = container(rendering, MODEL).inputs["logOpts"]
    assert options["fluentd-address"] == "tcp://127.0.0.1:24224"
    assert options["fluentd-async"] == "true"


def test_no_part_sees_the_docker_socket_or_a_folder_of_the_host(rendering: Rendering) -> None:
    for each in rendering.of_type(CONTAINER):
        for mount in each.inputs.get("mounts") or ():
            assert mount["type"] == "volume", each.name


def test_the_password_is_nowhere_in_the_plain(rendering: Rendering) -> None:
    for each in rendering.resources:
        plain = {key: value for key, value in each.inputs.items() if not _secret(each, key)}
        assert PASSWORD not in repr(plain), each.name
        for place in ("envs", "command", "labels", "entrypoints"):
            assert PASSWORD not in repr(each.inputs.get(place)), each.name


def _secret(resource: RenderedResource, key: str) -> bool:
    return any(path.split(".")[0].split("[")[0] == key for path in resource.secret_paths)


def test_each_part_has_its_memory_limit_and_a_soft_one_below(rendering: Rendering) -> None:
    for name in ALWAYS:
        assert container(rendering, name).inputs["memory"] == MEMORY_MIB[name]
    for name in ALWAYS:
        (soft,) = [
            each for each in container(rendering, name).inputs["envs"] if each.startswith("GOMEMLIMIT=")
        ]
        assert int(soft.removeprefix("GOMEMLIMIT=").removesuffix("MiB")) < MEMORY_MIB[name]


def test_what_watches_gives_way_to_what_serves(rendering: Rendering) -> None:
    for name in ALWAYS:
        inputs = container(rendering, name).inputs
        assert inputs["cpuShares"] < 1024
        assert "GOMAXPROCS=1" in inputs["envs"]
    for name in (MODEL, "gateway"):
        assert container(rendering, name).inputs.get("cpuShares") is None


def test_prometheus_alone_is_where_the_engines_are(rendering: Rendering) -> None:
    def attached(name: str) -> int:
        return len(container(rendering, name).inputs["networksAdvanced"])

    # Engines, monitoring, and the bridge that its page is published on.
    assert attached("prometheus") == 3
    assert attached("alertmanager") == attached("collector") == attached("grafana") == 2
    assert attached("loki") == attached("node-exporter") == 1


def test_its_images_wait_for_what_serves(rendering: Rendering) -> None:
    images = {each.name: each for each in rendering.of_type("docker:index/image:Image")}
    urgent = {container(rendering, MODEL).urn, container(rendering, "gateway").urn}
    for name in ALWAYS:
        assert urgent <= set(images[name].dependencies), name
    for name in ("gateway", "onnx-server"):
        assert not urgent & set(images[name].dependencies)


def test_a_receivers_credential_is_a_secret_file_and_alertmanager_may_go_out() -> None:
    receivers = {"receivers": [{"name": "ops", "kind": "slack", "channel": "#ops"}]}
    told = render_stack(monitoring=receivers, receiverSecrets={"ops": HOOK})
    writer = container(told, "alertmanager-secrets")
    assert _secret(writer, "uploads")
    assert {each["file"] for each in writer.inputs["uploads"]} == {
        "/incoming/password", "/incoming/web.yml", "/incoming/receiver-ops",
    }  # fmt: skip
    assert all(
        HOOK not in repr({k: v for k, v in e.inputs.items() if not _secret(e, k)}) for e in told.resources
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"monitoring": {"receivers": [{"name": "ops", "kind": "slack"}]}}, "is not set"),
        ({"receiverSecrets": {"ops": HOOK}}, "belongs to no alert receiver"),
        ({"monitoring": {"receivers": [{"name": "ops", "kind": "pigeon"}]}}, "pigeon"),
        ({"passwords": {}}, "has no password"),
    ],
)
def test_what_cannot_work_is_refused_before_the_first_resource(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RehearsalError, match=said):
        render_stack(**changes)


def test_a_stack_of_endpoints_alone_is_watched_too() -> None:
    outside = render_stack(models=[OUTSIDE])
    assert set(ALWAYS) <= {each.name for each in outside.of_type(CONTAINER)}


def test_without_monitoring_nothing_of_it_is_asked_for() -> None:
    assert "monitoring" not in render_unwatched(passwords={}).outputs
