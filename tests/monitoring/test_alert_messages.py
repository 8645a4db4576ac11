"""What receivers get: the real Alertmanager reads their addresses from files and writes to each of them."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import docker
import pytest

from monitoring.alertmanager import render
from monitoring.receiver_secrets import secret_files
from tests.docker.conftest import BuildImage
from tests.monitoring.alert_receivers import receiver
from tests.monitoring.alert_stack import EVERYTHING
from tests.monitoring.alert_tools import HOST, alertmanager

pytestmark = pytest.mark.docker
LABELS = {"alertname": "EngineDown", "model": "tiny", "severity": "page"}
ANNOTATIONS = {
    "summary": "tiny (onnx) does not answer",
    "description": "Look.",
    "runbook_url": "r/EngineDown.md",
}
POSTED = ("hook", "chat", "team", "on-call", "alive")
RECEIVERS = (
    receiver(kind="webhook", name="hook"),
    receiver(kind="slack", name="chat", channel="#models"),
    receiver(kind="teams", name="team"),
    receiver(kind="pagerduty", name="on-call"),
    receiver(kind="deadMansSwitch", name="alive"),
)


class Inbox(ThreadingHTTPServer):
    """Keeps what is posted, by path."""

    def __init__(self) -> None:
        super().__init__(("0.0.0.0", 0), _Handler)
        self.got: dict[str, list[Any]] = defaultdict(list)

    @property
    def address(self) -> str:
        """As a container sees it."""
        return f"http://{HOST}:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        """Takes everything; PagerDuty's status is 202."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name = self.path.strip("/")
        self.server.got[name].append(json.loads(body))
        self.send_response(202 if name == "on-call" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    """Where everything is posted to."""
    with Inbox() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def messages(
    docker_client: docker.DockerClient, build_image: BuildImage, test_label: dict[str, str], inbox: Inbox
) -> dict[str, list[Any]]:
    """What an EngineDown and the Watchdog brought to each receiver."""
    secrets = {name: f"{inbox.address}/{name}" for name in POSTED} | {"on-call": "integration-key"}
    config = render(EVERYTHING, RECEIVERS)
    # Where PagerDuty is, is no setting: it is the same for everybody.
    config = f"global: {{pagerduty_url: {inbox.address}/on-call}}\n{config}"
    files = secret_files(RECEIVERS, secrets)
    with alertmanager(docker_client, build_image("alertmanager"), test_label, config, files) as api:
        alerts = [
            {"labels": LABELS, "annotations": ANNOTATIONS},
            {"labels": {"alertname": "Watchdog", "severity": "none"}},
        ]
        api.post("/alerts", json=alerts).raise_for_status()
        end = time.monotonic() + 45
        while set(inbox.got) != set(POSTED) and time.monotonic() < end:
            time.sleep(0.2)
    assert set(inbox.got) == set(POSTED)
    return inbox.got


def test_a_webhook_gets_the_labels_and_words_of_the_alert(messages: dict[str, list[Any]]) -> None:
    (message,) = messages["hook"]
    (entry,) = message["alerts"]
    assert message["status"] == "firing"
    assert entry["labels"] == LABELS
    assert entry["annotations"] == ANNOTATIONS


@pytest.mark.parametrize("name", ["chat", "team", "on-call"])
def test_people_read_stack_alert_model_summary_first_step_and_runbook(
    messages: dict[str, list[Any]], name: str
) -> None:
    (message,) = messages[name]
    text = json.dumps(message)
    assert "everything: 1 firing: EngineDown of tiny" in text
    for words in ANNOTATIONS.values():
        assert words in text
    assert "<no value>" not in text


def test_pagerduty_is_told_that_a_page_is_critical(messages: dict[str, list[Any]]) -> None:
    (message,) = messages["on-call"]
    assert message["payload"]["severity"] == "critical"
    assert message["routing_key"] == "integration-key"


def test_the_dead_mans_switch_is_called_for_the_watchdog_alone(messages: dict[str, list[Any]]) -> None:
    labels = [entry["labels"]["alertname"] for message in messages["alive"] for entry in message["alerts"]]
    assert set(labels) == {"Watchdog"}
