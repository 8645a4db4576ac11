"""From a container's output to the store: what arrives, when, and what never does."""

import contextlib
import time
from collections.abc import Callable, Iterator

import docker
import pytest
from docker.errors import NotFound
from docker.models.containers import Container

from tests.docker.conftest import BuildImage
from tests.docker.gateway_parts import until
from tests.monitoring.collector_rig import Collector
from tests.monitoring.usage_rig import WATCHED, collector

pytestmark = pytest.mark.docker
__all__ = ["collector"]

KEY = "slm-" + "Kx7_-" * 8 + "abc"
Say = Callable[..., Container]


@pytest.fixture
def say(
    docker_client: docker.DockerClient, gateway_images: tuple[str, str], test_label: dict[str, str]
) -> Iterator[Say]:
    """``say(collector, script)``: a container that logs to it as those of a stack do."""
    made: list[Container] = []

    def run(collector: Collector, script: str, workload: str = "speaker") -> Container:
        labels = {**test_label, "slm-kit.stack": WATCHED.stack, "slm-kit.workload": workload}
        container = docker_client.containers.run(
            gateway_images[0],
            ["-c", script],
            entrypoint="bash",
            detach=True,
            network_mode="none",
            labels=labels,
            log_config=collector.logging(),
        )
        made.append(container)
        return container

    yield run
    for each in made:
        with contextlib.suppress(NotFound):
            each.remove(force=True)


def test_a_line_arrives_with_workload_stack_and_request_id(collector: Collector, say: Say) -> None:
    say(
        collector,
        """echo '{"level":"info","event":"request","request_id":"follow-me-1"}'; echo plain words""",
    )
    assert collector.store.got("plain words")
    assert collector.store.got("follow-me-1")
    for text in ("service.name", "speaker", "stack", WATCHED.stack, "request_id", "level"):
        assert collector.store.got(text), text


def test_nothing_like_a_key_is_stored(collector: Collector, say: Say) -> None:
    script = f"""
echo 'plain {KEY} end'; echo '{{"request_id":"{KEY}","a":"Bearer abcdef0123456789"}}'
echo 'Authorization: bearer zyxwvu9876543210'; echo all-was-said"""
    said = say(collector, script)
    assert collector.store.got("all-was-said")
    assert collector.store.got("[redacted]")
    for secret in (KEY, "abcdef0123456789", "zyxwvu9876543210"):
        assert secret in said.logs().decode(), "the container did say it"
        assert secret.encode() not in collector.store.kept


def test_lines_that_let_counters_begin_are_not_stored(collector: Collector, say: Say) -> None:
    say(collector, """echo '{"event":"usage_start","key_id":"nobody"}'; echo behind-the-birth""")
    assert collector.store.got("behind-the-birth")
    assert b"usage_start" not in collector.store.kept


def test_only_the_gateways_lines_are_counted(collector: Collector, say: Say) -> None:
    entry = '{"time":"x","status":200,"key_id":"bob","model":"wide","served_by":"wide","prompt_tokens":5}'
    say(collector, f"echo '{entry}'; echo forged-line-said", workload="forger")
    assert collector.store.got("forged-line-said")
    assert 'model="wide"' not in str(collector.counters())


def test_without_a_collector_containers_start_stop_and_tell_their_log_and_it_arrives_later(
    docker_client: docker.DockerClient, build_image: BuildImage, test_label: dict[str, str], say: Say
) -> None:
    late = Collector(docker_client, build_image("collector"), test_label, WATCHED, 24999)
    try:
        began = time.monotonic()
        stopped = say(late, "trap 'exit 0' TERM; echo early-and-gone; sleep 60 & wait")
        waiting = say(late, "echo early-and-waiting; sleep 60")
        assert until(lambda: b"early-and-gone" in stopped.logs() and b"early" in waiting.logs())
        stopped.stop(timeout=5)
        stopped.remove()
        assert time.monotonic() - began < 10
        late.start()
        assert late.store.got("early-and-waiting", 70)
    finally:
        late.close()
