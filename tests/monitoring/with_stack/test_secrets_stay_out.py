"""A marker planted in a prompt, an answer and a key: it is found nowhere."""

import subprocess

import httpx
import pytest

from tests.monitoring.with_stack.asking import until
from tests.monitoring.with_stack.logs import logs
from tests.stack.rig import MODEL, Stack, docker

pytestmark = pytest.mark.docker
MARKER = "zebrafish-quartz"
LOOKALIKE = "slm-" + "zQ9" * 14 + "x"
"""A key by its form, that the stack does not know."""


def test_a_planted_marker_is_in_no_log_metric_volume_or_configuration(
    stack: Stack, prometheus: httpx.Client
) -> None:
    said = {"role": "user", "content": f"Repeat: {MARKER} {MARKER} {MARKER}"}
    request_id = "marked-request-0001"
    headers = {"Authorization": f"Bearer {stack.key}", "X-Request-Id": request_id}
    body = {"model": MODEL, "messages": [said], "max_tokens": 24}
    answer = httpx.post(
        f"{stack.url}/chat/completions", json=body, headers=headers, timeout=120, trust_env=False
    )
    assert answer.status_code == 200
    assert stack.post("/chat/completions", body, key=LOOKALIKE).status_code == 401
    found = until(
        60,
        "the request's log is in Loki",
        lambda: logs(stack, '{service_name=~".+"} |= `' + request_id + "`"),
    )
    # One request can be followed from the gateway to its engine.
    assert {"gateway", MODEL} <= {stream["stream"]["service_name"] for stream in found}
    for secret in (MARKER, LOOKALIKE, stack.key):
        for query in ('{service_name=~".+"} |= `%s`', '{service_name=~".+"} | request_id=~`.*%s.*`'):
            assert logs(stack, query % secret) == [], secret
        assert_nowhere(stack, prometheus, secret)


def assert_nowhere(stack: Stack, prometheus: httpx.Client, secret: str) -> None:
    names = prometheus.get("/api/v1/label/__name__/values").text
    labels = prometheus.get("/api/v1/labels").json()["data"]
    values = [prometheus.get(f"/api/v1/label/{label}/values").text for label in labels]
    assert secret not in names + "".join(values)
    for container in stack.containers():
        assert secret not in docker("logs", container), container
        assert secret not in docker("inspect", container), container
    for volume in stack.left()["volumes"]:
        assert not holds(stack, volume, secret), volume


def holds(stack: Stack, volume: str, secret: str) -> bool:
    """Whether any file of a volume has it, Loki's chunks and Prometheus' blocks too where they are plain."""
    image = docker("inspect", "-f", "{{.Image}}", stack.containers(MODEL)[0]).strip()
    done = subprocess.run(
        ["docker", "run", "--rm", "--user", "0", "-v", f"{volume}:/looked:ro", "--entrypoint", "grep", image,
         "-rqF", secret, "/looked"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0


def test_every_workload_of_the_stack_has_logs(stack: Stack) -> None:
    # Each by itself: an answer ends at so many lines, and the gateway writes far more than the others.
    workloads = ("gateway", MODEL, "prometheus", "alertmanager", "loki")
    assert [name for name in workloads if not logs(stack, f'{{service_name="{name}"}}')] == []
