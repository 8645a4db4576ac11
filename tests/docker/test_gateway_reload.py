"""Keys and models come and go while the gateway serves."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpx
import pytest

from components.gateway.config import KeyGrant, Route, render
from tests.docker.gateway_rig import GRANTS, ROUTES, GatewayRig, until

pytestmark = pytest.mark.docker

CHAT = {"model": "free", "stub": {"delay_s": 0.02}}


def serves(gateway: GatewayRig, model: str, key: str) -> bool:
    return gateway.call({"model": model}, key=key).status_code == 200


class Load:
    """What clients saw while it ran: statuses of answers, and what was no answer at all."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.broken: list[str] = []


@contextmanager
def load(gateway: GatewayRig, clients: int = 4) -> Iterator[Load]:
    """Clients that ask in a row: half of them on kept connections, half on new ones."""
    seen, stop, lock = Load(), threading.Event(), threading.Lock()

    def ask(kept: bool) -> None:
        with httpx.Client(verify=False) as client:
            while not stop.is_set():
                try:
                    status = gateway.call(CHAT, client=client if kept else None).status_code
                except httpx.HTTPError as problem:
                    with lock:
                        seen.broken.append(repr(problem))
                else:
                    with lock:
                        seen.statuses.append(status)

    with ThreadPoolExecutor(clients) as pool:
        workers = [pool.submit(ask, number % 2 == 0) for number in range(clients)]
        yield seen
        stop.set()
        for worker in workers:
            worker.result()


def test_keys_and_models_are_added_under_load_without_a_lost_request(gateway: GatewayRig) -> None:
    assert gateway.gateway is not None
    started = gateway.gateway.attrs["State"]["StartedAt"]
    with load(gateway) as seen:
        time.sleep(1)
        for number in range(3):
            gateway.grants = (*GRANTS, KeyGrant(f"new-{number}", ("*",)))
            gateway.routes = (*ROUTES, Route(f"added-{number}", "engine"))
            gateway.write_config()
            gateway.write_keys()
            assert until(partial(serves, gateway, f"added-{number}", f"new-{number}"))
            time.sleep(1)
    gateway.gateway.reload()
    assert gateway.gateway.attrs["State"]["StartedAt"] == started
    assert gateway.errors().count("gateway: reloading") >= 3
    assert seen.broken == []
    assert set(seen.statuses) == {200}
    assert len(seen.statuses) > 100


def test_a_key_that_is_taken_away_is_refused_from_the_next_reload_on(gateway: GatewayRig) -> None:
    gateway.grants = (*GRANTS, KeyGrant("leaver", ("*",)))
    gateway.write_config()
    gateway.write_keys()
    assert until(lambda: gateway.call(CHAT, key="leaver").status_code == 200)
    gateway.grants = GRANTS
    gateway.write_keys()
    assert until(lambda: gateway.call(CHAT, key="leaver").status_code == 401)


def test_a_reload_does_not_give_a_key_its_requests_back(gateway: GatewayRig) -> None:
    for _ in range(5):
        assert gateway.call(CHAT, key="five").status_code == 200
    assert gateway.call(CHAT, key="five").status_code == 429
    reloads = gateway.errors().count("gateway: reloading")
    gateway.write_config()
    assert until(lambda: gateway.errors().count("gateway: reloading") > reloads)
    time.sleep(2)
    assert gateway.call(CHAT, key="five").status_code == 429


@pytest.mark.parametrize("damage", ["no_such_keyword here\n", "\nbackend free\n    mode tcp\n"])
def test_a_bad_configuration_is_told_and_the_old_one_keeps_serving(gateway: GatewayRig, damage: str) -> None:
    good = render(gateway.routes, gateway.grants, gateway.limits)
    refused = gateway.errors().count("new content refused")
    with load(gateway, clients=2) as seen:
        gateway.config.switch({**good, "haproxy.cfg": good["haproxy.cfg"] + damage})
        assert until(lambda: gateway.errors().count("new content refused") > refused)
        time.sleep(1)
    assert (seen.broken, set(seen.statuses)) == ([], {200})
    gateway.grants = (*GRANTS, KeyGrant("after", ("*",)))
    gateway.write_config()
    gateway.write_keys()
    assert until(lambda: gateway.call(CHAT, key="after").status_code == 200)


def test_a_candidate_is_judged_by_gateway_check(gateway: GatewayRig) -> None:
    good = render(gateway.routes, gateway.grants, gateway.limits)
    for name, files in {
        "good": good,
        "bad": {**good, "haproxy.cfg": good["haproxy.cfg"] + "nonsense here\n"},
        "no-map": {n: text for n, text in good.items() if n != "models.map"},
        "empty": {},
    }.items():
        folder = gateway.root / name
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        for file, text in files.items():
            (folder / file).write_text(text)
    assert gateway.run("gateway-check", "/etc/slm/good") == (0, "")
    status, words = gateway.run("gateway-check", "/etc/slm/bad")
    assert status == 1
    assert "unknown keyword 'nonsense'" in words
    assert gateway.run("gateway-check", "/etc/slm/no-map")[0] == 1
    assert gateway.run("gateway-check", "/etc/slm/empty")[0] == 2
