"""What operators see of the gateway itself: its metrics, and how much memory it takes."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.docker.gateway_rig import LIMITS, GatewayRig

pytestmark = pytest.mark.docker


def test_metrics_are_on_their_own_port_which_is_not_published(gateway: GatewayRig) -> None:
    assert gateway.call(path="/metrics", method="GET", key=None).status_code == 404
    assert gateway.gateway is not None
    assert gateway.gateway.attrs["NetworkSettings"]["Ports"].get("8405/tcp") is None
    text = gateway.metrics()
    for name in (
        'haproxy_backend_current_queue{proxy="tiny"}',
        'haproxy_backend_active_servers{proxy="tiny"}',
        'haproxy_backend_current_sessions{proxy="late"}',
        'haproxy_backend_http_requests_total{proxy="free"}',
    ):
        assert name in text


def megabytes(gateway: GatewayRig) -> float:
    """Memory of the gateway's processes (their proportional share of what they share), in MiB."""
    total = gateway.run("bash", "-c", "cat /proc/[0-9]*/smaps_rollup 2>/dev/null | grep ^Pss: | tr -s ' '")[1]
    return sum(int(line.split()[1]) for line in total.splitlines()) / 1024


def test_64_requests_of_1_kb_take_at_most_64_mb(gateway: GatewayRig) -> None:
    ask = {"model": "free", "messages": "x" * 1000, "stub": {"delay_s": 3}}
    with ThreadPoolExecutor(64) as pool:
        sent = [pool.submit(gateway.call, ask) for _ in range(64)]
        time.sleep(2.5)
        used = megabytes(gateway)
        statuses = {future.result().status_code for future in sent}
    assert statuses == {200}
    assert 5 < used <= 64, f"{used:.0f} MiB"
    print(f"64 requests of 1 KB: {used:.0f} MiB")


def test_a_largest_body_on_every_connection_stays_within_the_memory_limit(
    gateway: GatewayRig,
) -> None:
    clients = 48
    gateway.limits = replace(LIMITS, max_connections=clients)
    gateway.write_config()
    time.sleep(3)
    ask = {"model": "free", "messages": "x" * 1_048_000, "stub": {"delay_s": 1}}
    with ThreadPoolExecutor(clients) as pool:
        sent = [pool.submit(gateway.call, ask, timeout=60) for _ in range(clients)]
        peak = 0.0
        while not all(future.done() for future in sent):
            peak = max(peak, megabytes(gateway))
            time.sleep(0.3)
    assert {future.result().status_code for future in sent} == {200}
    assert 5 < peak <= gateway.limits.memory_mib, f"{peak:.0f} MiB"
    print(f"{clients} bodies of 1 MB: {peak:.0f} MiB at most, {megabytes(gateway):.0f} MiB after")
