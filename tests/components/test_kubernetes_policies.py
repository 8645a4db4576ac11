"""Who may talk to whom: the policies as a cluster would read them, asked pair by pair."""

import ipaddress
from pathlib import Path
from typing import Any

import pytest

from rehearsal import Rendering
from tests.components.kubernetes_program import MODEL, POLICY, pods, rendered

STORE_JOB = f"models-{MODEL}-onnx-int4"


@pytest.fixture(scope="module")
def rendering(tmp_path_factory: pytest.TempPathFactory) -> Rendering:
    return rendered(tmp_path_factory.mktemp("program"))


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a label selector selects these labels; of expressions, `In` alone."""
    expressions = selector.get("matchExpressions", ())
    assert {each["operator"] for each in expressions} <= {"In"}
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(each["key"]) in each["values"] for each in expressions
    )


def rules(rendering: Rendering, name: str, direction: str) -> list[dict[str, Any]]:
    """Rules of all policies that select the pods of a workload; one at least closes what none opens."""
    labels = pods(rendering)[name]["metadata"]["labels"]
    specs = [each.inputs["spec"] for each in rendering.of_type(POLICY)]
    selecting = [each for each in specs if matches(each["podSelector"], labels)]
    assert any(direction.capitalize() in each["policyTypes"] for each in selecting)
    return [rule for each in selecting for rule in each.get(direction) or ()]


def opens(rule: dict[str, Any], side: str, labels: dict[str, str], port: int | None) -> bool:
    """Whether a rule lets a pod of the namespace with these labels through."""
    ports = [each["port"] for each in rule.get("ports", ())]
    if ports and port not in ports:
        return False
    peers = rule.get(side)
    return peers is None or any(
        "namespaceSelector" not in each and "podSelector" in each and matches(each["podSelector"], labels)
        for each in peers
    )


def may(rendering: Rendering, source: str, target: str, port: int) -> bool:
    """Whether a connection is let out of the one pod and into the other."""
    out, into = (pods(rendering)[each]["metadata"]["labels"] for each in (source, target))
    return any(opens(each, "to", into, port) for each in rules(rendering, source, "egress")) and any(
        opens(each, "from", out, port) for each in rules(rendering, target, "ingress")
    )


def reaches(rendering: Rendering, name: str, address: str) -> bool:
    """Whether an address outside of the namespace may be connected to on port 443."""
    asked = ipaddress.ip_address(address)
    blocks = [
        peer["ipBlock"]
        for rule in rules(rendering, name, "egress")
        if not rule.get("ports")
        for peer in rule["to"]
        if "ipBlock" in peer
    ]
    return any(
        asked in ipaddress.ip_network(block["cidr"])
        and not any(asked in ipaddress.ip_network(each) for each in block.get("except", ()))
        for block in blocks
        if ipaddress.ip_network(block["cidr"]).version == asked.version
    )


def test_the_gateway_reaches_engines_and_nobody_else_but_the_scraper_does(rendering: Rendering) -> None:
    for engine in (MODEL, "ollama", "qwen3-0-6b"):
        callers = {each for each in pods(rendering) if may(rendering, each, engine, 8000)}
        assert callers == {"gateway", "prometheus"}
        assert not may(rendering, "gateway", engine, 9999)


def test_an_engine_reaches_nothing(rendering: Rendering) -> None:
    for target in pods(rendering):
        assert not may(rendering, MODEL, target, 8000), target
        assert not may(rendering, MODEL, target, 8080), target


def test_the_monitoring_set_meets_itself_and_only_its_scraper_meets_the_rest(rendering: Rendering) -> None:
    assert may(rendering, "prometheus", "collector", 8888)
    assert may(rendering, "grafana", "loki", 3100)
    assert may(rendering, "prometheus", "gateway", 8405)
    assert not may(rendering, "grafana", "gateway", 8405)
    assert not may(rendering, "loki", MODEL, 8000)
    assert not may(rendering, "gateway", "prometheus", 9090)


def test_the_gateway_reaches_of_the_monitoring_set_only_where_its_log_is_taken(rendering: Rendering) -> None:
    reached = {
        (name, port)
        for name in ("collector", "prometheus", "alertmanager", "loki", "grafana")
        for port in (8007, 8888, 9464, 9090, 9093, 3100, 3000)
        if may(rendering, "gateway", name, port)
    }
    assert reached == {("collector", 8007)}
    assert may(rendering, "collector", "loki", 3100)
    assert not may(rendering, "collector", "gateway", 8405)
    assert not may(rendering, MODEL, "collector", 8007)


def test_only_what_needs_the_outside_gets_there_and_never_inside(rendering: Rendering) -> None:
    outward = {each for each in pods(rendering) if reaches(rendering, each, "93.184.216.34")}
    assert outward == {STORE_JOB}
    assert reaches(rendering, STORE_JOB, "2606:2800:220:1::1")
    for inside in (
        "10.0.0.1",
        "172.20.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "fd00::1",
    ):
        assert not reaches(rendering, STORE_JOB, inside), inside


def test_a_mirror_of_ones_own_can_be_reached_when_named(tmp_path: Path) -> None:
    opened = rendered(tmp_path, reachable_ranges=["10.9.0.0/16"])
    assert reaches(opened, STORE_JOB, "10.9.1.1")
    assert not reaches(opened, STORE_JOB, "10.8.1.1")
    assert not reaches(opened, MODEL, "10.9.1.1")


def test_every_pod_may_ask_the_clusters_resolver_on_its_port_only(rendering: Rendering) -> None:
    for name in pods(rendering):
        asking = [rule for rule in rules(rendering, name, "egress") if rule.get("ports")]
        assert [{(each["protocol"], each["port"]) for each in rule["ports"]} for rule in asking] == [
            {("UDP", 53), ("TCP", 53)}
        ], name


def test_a_port_published_on_every_address_is_open_and_one_on_loopback_is_not(rendering: Rendering) -> None:
    stranger = {"app": "ingress"}
    assert any(opens(each, "from", stranger, 8080) for each in rules(rendering, "gateway", "ingress"))
    assert not any(opens(each, "from", stranger, 8405) for each in rules(rendering, "gateway", "ingress"))
    for name, port in (("prometheus", 9090), ("grafana", 3000), (MODEL, 8000), (STORE_JOB, 8000)):
        assert not any(opens(each, "from", stranger, port) for each in rules(rendering, name, "ingress")), (
            name
        )


def test_a_namespace_that_is_admitted_may_ask_what_is_published(tmp_path: Path) -> None:
    admitted = rendered(tmp_path, admits={"prometheus": ["keda"]})
    (rule,) = [
        rule
        for rule in rules(admitted, "prometheus", "ingress")
        if any("namespaceSelector" in peer for peer in rule.get("from", ()))
    ]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "keda"}}}]
    assert [each["port"] for each in rule["ports"]] == [9090]
