"""Every container of the stack, whoever asked for it, is confined."""

import pytest

from components.monitoring.memory import ALWAYS
from rehearsal import RenderedResource, Rendering
from tests.components.conftest import KEY, render_stack

CONTAINER = "docker:index/container:Container"
MONITORING = {*ALWAYS, "grafana"}


def containers(rendering: Rendering) -> list[RenderedResource]:
    found = rendering.of_type(CONTAINER)
    assert len(found) >= 5, "gateway, engine, store job and the writers of files"
    return found


def is_writer(container: RenderedResource) -> bool:
    return "uploads" in container.inputs


def is_job(container: RenderedResource) -> bool:
    return container.inputs.get("mustRun") is False


def test_every_container_runs_as_the_kits_user(rendering: Rendering) -> None:
    assert {each.inputs["user"] for each in containers(rendering)} == {"10001:10001"}


def test_every_container_drops_all_capabilities(rendering: Rendering) -> None:
    for each in containers(rendering):
        assert each.inputs["capabilities"] == {"drops": ["ALL"]}, each.name
        assert not each.inputs.get("privileged"), each.name


def test_every_container_refuses_new_privileges(rendering: Rendering) -> None:
    for each in containers(rendering):
        assert each.inputs["securityOpts"] == ["no-new-privileges:true"], each.name


def test_every_container_has_a_read_only_root_but_the_short_lived_writers(rendering: Rendering) -> None:
    for each in containers(rendering):
        assert each.inputs.get("readOnly", False) is not is_writer(each), each.name
        if is_writer(each):
            assert is_job(each), each.name
            assert each.inputs["networkMode"] == "none", each.name


def test_every_container_has_limits_and_no_swap(rendering: Rendering) -> None:
    for each in containers(rendering):
        assert each.inputs["memory"] == each.inputs["memorySwap"] > 0, each.name
        assert float(each.inputs["cpus"]) > 0, each.name


def test_every_containers_log_is_bounded(rendering: Rendering) -> None:
    for each in containers(rendering):
        options = each.inputs["logOpts"]
        sizes = (
            ("max-size", "max-file")
            if each.inputs["logDriver"] == "json-file"
            else ("cache-max-size", "cache-max-file")
        )
        assert [options[size] for size in sizes] == ["10m", "3"], each.name


def test_services_restart_have_a_health_check_and_time_to_drain(rendering: Rendering) -> None:
    services = [each for each in containers(rendering) if not is_job(each)]
    assert {each.name for each in services} == {"gateway", "smollm2-135m-instruct", *MONITORING}
    for each in services:
        assert each.inputs["restart"] == "unless-stopped"
        assert each.inputs["healthcheck"]["tests"][0] == "CMD"
        assert each.inputs["wait"] is True
        assert each.inputs["destroyGraceSeconds"] >= (15 if each.name in MONITORING else 60)


def test_no_engine_publishes_a_port_and_everything_else_on_loopback(rendering: Rendering) -> None:
    published = [
        (each.name, port["internal"], port["external"], port["ip"])
        for each in containers(rendering)
        for port in each.inputs.get("ports") or ()
    ]
    assert sorted(published) == [
        ("alertmanager", 9093, 9093, "127.0.0.1"),
        ("collector", 8006, 24224, "127.0.0.1"),
        ("gateway", 8080, 8080, "127.0.0.1"),
        ("grafana", 3000, 3001, "127.0.0.1"),
        ("prometheus", 9090, 9090, "127.0.0.1"),
    ]


def test_an_engine_is_on_the_internal_network_only(rendering: Rendering) -> None:
    networks = rendering.of_type("docker:index/network:Network")
    assert {each.name: each.inputs.get("internal") for each in networks} == {
        "local-engines": True,
        "local-edge": False,
        "local-monitoring": True,
        "local-pages": False,
    }
    engine = next(each for each in containers(rendering) if each.name == "smollm2-135m-instruct")
    assert len(engine.inputs["networksAdvanced"]) == 1
    assert engine.inputs["networksAdvanced"][0]["aliases"] == ["smollm2-135m-instruct"]


def test_an_engine_cannot_write_to_the_store(rendering: Rendering) -> None:
    engine = next(each for each in containers(rendering) if each.name == "smollm2-135m-instruct")
    assert [mount["readOnly"] for mount in engine.inputs["mounts"]] == [True]


def test_everything_docker_keeps_is_labelled_with_the_stack(rendering: Rendering) -> None:
    for kind in ("container:Container", "volume:Volume", "network:Network"):
        for each in rendering.of_type(f"docker:index/{kind}"):
            assert {"label": "slm-kit.stack", "value": "rendered"} in each.inputs["labels"], each.name


def test_no_key_and_no_mirror_password_is_in_a_plain_input(rendering: Rendering) -> None:
    for each in rendering.resources:
        plain = repr({k: v for k, v in each.inputs.items() if not _secret(each, k)})
        assert KEY not in repr(each.inputs), f"{each.name}: the gateway needs the hash only"
        assert "word@mirror" not in plain, each.name
        for place in ("envs", "command", "labels", "entrypoints"):
            assert "word@mirror" not in repr(each.inputs.get(place)), each.name


def _secret(resource: RenderedResource, key: str) -> bool:
    return any(path.split(".")[0].split("[")[0] == key for path in resource.secret_paths)


def test_the_hashes_are_secret(rendering: Rendering) -> None:
    writers = [each for each in containers(rendering) if each.name.endswith("gateway-secrets")]
    assert len(writers) == 1
    assert _secret(writers[0], "uploads")


@pytest.mark.parametrize("address", ["0.0.0.0", "::1"])
def test_another_address_is_published_only_when_configured(address: str) -> None:
    rendering = render_stack(gatewayAddress=address, gatewayPort=9000)
    gateway = next(each for each in containers(rendering) if each.name == "gateway")
    assert gateway.inputs["ports"] == [{"internal": 8080, "external": 9000, "ip": address}]
