"""One cause pages once: which alerts the real Alertmanager hides behind which."""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import docker
import httpx
import pytest

from monitoring.alertmanager import render
from tests.docker.conftest import BuildImage
from tests.monitoring.alert_stack import EVERYTHING
from tests.monitoring.alert_tools import alertmanager

pytestmark = pytest.mark.docker
Labels = Mapping[str, str]


@pytest.fixture(scope="module")
def api(
    docker_client: docker.DockerClient, build_image: BuildImage, test_label: dict[str, str]
) -> Iterator[httpx.Client]:
    """Alertmanager's, with the configuration of a stack that has everything."""
    config = render(EVERYTHING, ())
    with alertmanager(docker_client, build_image("alertmanager"), test_label, config, {}) as made:
        yield made


def alert(name: str, severity: str, **labels: str) -> dict[str, str]:
    """Labels of an alert."""
    return {"alertname": name, "severity": severity, **labels}


def page(name: str, **labels: str) -> dict[str, str]:
    """Labels of a page."""
    return alert(name, "page", **labels)


def ticket(name: str, **labels: str) -> dict[str, str]:
    """Labels of a ticket."""
    return alert(name, "ticket", **labels)


def hidden_now(api: httpx.Client, case: str) -> list[dict[str, str]]:
    """Labels of a case's alerts that are hidden, without the mark."""
    answer = api.get("/alerts", params={"filter": f'case="{case}"'}).raise_for_status().json()
    return [
        {name: value for name, value in entry["labels"].items() if name != "case"}
        for entry in answer
        if entry["status"]["inhibitedBy"]
    ]


def hidden(
    api: httpx.Client, case: str, alerts: Sequence[Labels], expected: Sequence[Labels]
) -> list[dict[str, str]]:
    """Fires alerts and says which are hidden, once that is what is expected or after five seconds."""
    marked = [{"labels": {**labels, "case": case}} for labels in alerts]
    api.post("/alerts", json=marked).raise_for_status()
    end = time.monotonic() + 5
    while by_text(hidden_now(api, case)) != by_text(expected) and time.monotonic() < end:
        time.sleep(0.1)
    # What comes late is seen, too.
    time.sleep(0.3)
    found = hidden_now(api, case)
    now = datetime.now(UTC).isoformat()
    api.post("/alerts", json=[{**entry, "endsAt": now} for entry in marked]).raise_for_status()
    return found


def by_text(alerts: Sequence[Labels]) -> list[str]:
    """In an order."""
    return sorted(str(sorted(labels.items())) for labels in alerts)


WAITING = ("AvailabilityBudgetBurn", "FirstTokenBudgetBurn", "ModelQueueFull", "WakeWithoutReplica")
CASES: dict[str, tuple[list[dict[str, str]], list[dict[str, str]]]] = {
    # What fires and stays, what fires and is hidden.
    "engine down": (
        [page("EngineDown", model="tiny"), page("AvailabilityBudgetBurn", model="outside-4.1")],
        [
            *(page(name, model="tiny") for name in (*WAITING, "EngineStartingTooLong", "EngineRestarting")),
            ticket("KvCacheSaturated", model="tiny"),
            ticket("EngineMemoryNearLimit", model="tiny"),
        ],
    ),
    "engine down under an adapter": (
        [page("EngineDown", model="big"), page("ModelQueueFull", model="tiny")],
        [page("ModelQueueFull", model="big-sql"), page("AvailabilityBudgetBurn", model="big-sql")],
    ),
    "gateway down": (
        [page("GatewayDown"), page("EngineDown", model="tiny"), ticket("DiskNearlyFull", volume="loki")],
        [
            page("AvailabilityBudgetBurn", model="outside-4.1"),
            page("EndpointDown", model="outside-4.1"),
            ticket("ScrapeMissing", job="certificate", instance="gateway:8405"),
        ],
    ),
    "starting too long": (
        [page("EngineStartingTooLong", model="tiny")],
        [page(name, model="tiny") for name in WAITING],
    ),
    "restarting": (
        [page("EngineRestarting", model="tiny"), ticket("OomKill", model="tiny", killed="engine")],
        [page(name, model="tiny") for name in WAITING],
    ),
    "wake": (
        [page("WakeWithoutReplica", model="tiny")],
        [page("AvailabilityBudgetBurn", model="tiny"), page("ModelQueueFull", model="tiny")],
    ),
    "endpoint down": (
        [page("EndpointDown", model="outside-4.1"), page("FirstTokenBudgetBurn", model="tiny")],
        [page("AvailabilityBudgetBurn", model="outside-4.1")],
    ),
    "queue full": (
        [page("ModelQueueFull", model="tiny"), page("AvailabilityBudgetBurn", model="big")],
        [page("AvailabilityBudgetBurn", model="tiny"), page("FirstTokenBudgetBurn", model="tiny")],
    ),
    "unanswered": (
        [page("AvailabilityBudgetBurn", model="tiny"), page("FirstTokenBudgetBurn", model="big")],
        [page("FirstTokenBudgetBurn", model="tiny"), ticket("AvailabilityBudgetBurn", model="tiny")],
    ),
    "one of two GPUs": (
        [page("GpuError", gpu="0"), ticket("GpuError", gpu="1")],
        [ticket("GpuError", gpu="0")],
    ),
    "disk full": (
        [page("DiskFull", volume="models"), ticket("HostMemoryNearlyFull"), ticket("UsageMayBeLost")],
        [
            ticket("ModelStoreNearlyFull", volume="models"),
            ticket("DiskNearlyFull", volume="loki"),
            ticket("RuleFailing"),
            ticket("LogsFailing"),
        ],
    ),
    "one nearly full disk": (
        [ticket("ModelStoreNearlyFull", volume="models")],
        [ticket("DiskNearlyFull", volume="loki"), ticket("DiskNearlyFull", volume="prometheus")],
    ),
    "no collector": (
        [ticket("ScrapeMissing", job="collector", instance="collector:8888")],
        [ticket("LogsFailing")],
    ),
    "no node exporter": (
        [ticket("ScrapeMissing", job="node", instance="node-exporter:9100"), ticket("LogsFailing")],
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_cause_hides_what_follows_from_it_and_nothing_else(api: httpx.Client, case: str) -> None:
    told, follows = CASES[case]
    found = hidden(api, case.replace(" ", "-"), [*told, *follows], follows)
    assert by_text(found) == by_text(follows)
