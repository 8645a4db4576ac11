"""An engine is killed under load: its alert reaches the receiver, and resolves when the engine is back."""

import threading

import pytest

from tests.monitoring.with_stack.asking import until
from tests.monitoring.with_stack.conftest import Receiver
from tests.stack.rig import MODEL, Stack, docker

pytestmark = pytest.mark.docker
FIRES_SECONDS = 180
"""A minute of being down, three scrapes and evaluations, the group's wait, on a busy machine."""


def test_a_killed_engine_fires_reaches_the_webhook_and_resolves(
    stack: Stack, receiver: tuple[Receiver, int]
) -> None:
    told, _ = receiver
    assert told.told == [], "an installation pages nobody"
    over = threading.Event()

    def load() -> None:
        while not over.wait(0.5):
            stack.chat(tokens=16)

    loading = threading.Thread(target=load, daemon=True)
    loading.start()
    engine = stack.containers(MODEL)[0]
    docker("kill", engine)
    try:
        fired = until(
            FIRES_SECONDS, "EngineDown reaches the webhook", lambda: told.alerts("EngineDown", "firing")
        )
    finally:
        docker("start", engine)
        over.set()
        loading.join()
    labels, annotations = fired[0]["labels"], fired[0]["annotations"]
    assert (labels["model"], labels["severity"]) == (MODEL, "page")
    assert MODEL in annotations["summary"]
    assert annotations["runbook_url"] == "monitoring/runbooks/EngineDown.md"
    until(420, "it resolves", lambda: told.alerts("EngineDown", "resolved"))
    assert stack.chat().status_code == 200
    pages = {
        alert["labels"]["alertname"]
        for each in told.told
        for alert in each["alerts"]
        if alert["labels"]["severity"] == "page"
    }
    assert pages == {"EngineDown"}, "one cause pages once"
