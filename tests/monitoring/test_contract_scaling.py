"""What scaling asks, on a real gateway's metrics: one element each, also for models that have no replica.

Two elements KEDA refuses; none is for it a failure (its fallback), never a zero (ignoreNullValues).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from components.autoscaling import specs
from components.autoscaling.types import DemandScaling
from components.gateway.config import KeyGrant, Route
from monitoring import prometheus
from monitoring.recording import rules_of
from monitoring.watched import Slo, Watched, WatchedKey, WatchedModel
from tests.docker.gateway_parts import until
from tests.docker.gateway_rig import GatewayRig
from tests.monitoring.contract import Query, empty, evaluate, looked_at
from tests.monitoring.data_served import Served
from tests.monitoring.data_stacks import STACKS

AWAKE, ASLEEP = "awake", "asleep-1.5b"
NAMES = (AWAKE, ASLEEP, "asleep-sql", "woken", "unwanted", "control", "stood-in")
ROUTES = (
    Route(AWAKE, "engine", max_concurrency=2, max_queue=4),
    Route("stood-in", "nobody", fallback=AWAKE),
    *(Route(name, "nobody", wake_hold_s=3) for name in NAMES[1:-1]),
)
WATCHED = Watched(
    "scaled", tuple(WatchedModel(name, Slo(), 4, None) for name in NAMES), (WatchedKey("alice", NAMES),)
)


def queries(*models: str) -> dict[str, str]:
    """What the ScaledObject of a workload that serves them asks, by the name of the trigger."""
    scaling = DemandScaling(models, 2, max_replicas=2, min_replicas=0)
    triggers: list[dict[str, Any]] = specs.scaled_object("d", scaling, "http://p", "login")["triggers"]
    return {each["name"]: each["metadata"]["query"] for each in triggers if each["type"] == "prometheus"}


class Watching(Served):
    """A Prometheus that reads the gateway itself."""

    def join(self, container: Container, alias: str) -> None:
        self._network.connect(container, aliases=[alias])

    def part(self, container: Container) -> None:
        self._network.disconnect(container)

    def number(self, query: str) -> float:
        """Raises AssertionError where KEDA would refuse the answer."""
        found = self.ask(query)
        assert len(found) == 1, f"{query} has {len(found)} elements"
        return float(found[0]["value"][1])


@pytest.fixture(scope="module")
def gateway(
    docker_client: docker.DockerClient,
    gateway_images: tuple[str, str],
    test_label: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[GatewayRig]:
    rig = GatewayRig(docker_client, gateway_images, test_label, tmp_path_factory.mktemp("gateway"))
    rig.routes, rig.grants = ROUTES, (KeyGrant("alice", ("*",)), KeyGrant("bob", (AWAKE,)))
    rig.write_config()
    rig.write_keys()
    rig.engine("engine")
    rig.start()
    rig.wait_until_up(AWAKE)
    yield rig
    rig.close()


@pytest.fixture(scope="module")
def served(
    gateway: GatewayRig,
    docker_client: docker.DockerClient,
    gateway_images: tuple[str, str],
    prometheus_image: str,
    test_label: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Watching]:
    folder = tmp_path_factory.mktemp("watching")
    folder.chmod(0o755)
    watching = Watching(docker_client, gateway_images[1], test_label, folder)
    assert gateway.gateway is not None
    watching.join(gateway.gateway, "gateway")
    groups = [group for group in rules_of(WATCHED) if group.name == "gateway"]
    watching.prometheus(prometheus_image, prometheus.render(WATCHED), groups)
    watching.wait('count_over_time(up{job="gateway"}[1m])', lambda scrapes: scrapes >= 3)
    for query in queries(*NAMES).values():
        watching.wait(query, lambda value: value >= 0)
    yield watching
    assert gateway.gateway is not None
    watching.part(gateway.gateway)
    watching.close()


def slow(model: str, seconds: float) -> dict[str, Any]:
    return {"model": model, "stub": {"delay_s": seconds}}


@pytest.mark.docker
@pytest.mark.parametrize("models", [(AWAKE,), (ASLEEP,), (ASLEEP, "asleep-sql")])
def test_every_query_of_a_scaler_resolves_to_one_element_before_anybody_asked(
    served: Watching, models: tuple[str, ...]
) -> None:
    asked: list[Query] = list(queries(*models).items())
    assert [name for name, _ in asked] == ["demand", "asked"]
    assert [served.number(query) for _, query in asked] == [0, 0]
    assert empty(evaluate([*asked, *looked_at(asked)], served.url)) == []


@pytest.mark.docker
def test_demand_is_what_runs_and_what_waits(gateway: GatewayRig, served: Watching) -> None:
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(gateway.call, slow(AWAKE, 4)) for _ in range(3)]
        served.wait(queries(AWAKE)["demand"], lambda value: value == 3)
        assert served.number("slm:requests_queued{model='awake'}") == 1
        assert [each.result().status_code for each in sent] == [200] * 3
    served.wait(queries(AWAKE)["demand"], lambda value: value == 0)


@pytest.mark.docker
def test_a_request_for_a_model_that_sleeps_is_demand_while_held_and_known_when_it_left(
    gateway: GatewayRig, served: Watching
) -> None:
    asked = queries("woken")
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(gateway.call, slow("woken", 0))
        served.wait(asked["demand"], lambda value: value == 1)
        assert held.result().json()["error"]["code"] == "model_starting"
    served.wait(asked["demand"], lambda value: value == 0)
    assert served.number("slm:replicas{model='woken'}") == 0
    served.wait(asked["asked"], lambda value: value == 1)
    assert served.number(queries(ASLEEP, "woken")["asked"]) == 1


@pytest.mark.docker
def test_who_may_not_use_a_model_does_not_wake_it(gateway: GatewayRig, served: Watching) -> None:
    refused = [gateway.call(slow("unwanted", 0), key=key).status_code for key in (None, "mallory", "bob")]
    assert refused == [401, 401, 403]
    assert gateway.call(slow("control", 0)).status_code == 503
    served.wait(queries("control")["asked"], lambda value: value == 1)
    assert served.number(queries("unwanted")["asked"]) == 0


@pytest.mark.docker
def test_a_model_whose_fallback_answers_has_no_demand_so_it_must_not_sleep(
    gateway: GatewayRig,
) -> None:
    before = gateway.gauge("haproxy_backend_http_requests_total", AWAKE)
    assert gateway.call(slow("stood-in", 0)).status_code == 200
    assert gateway.gauge("haproxy_backend_http_requests_total", AWAKE) == before + 1
    assert gateway.gauge("haproxy_backend_http_requests_total", "stood-in") == 0


@pytest.mark.docker
def test_while_the_gateway_is_away_nobody_knows_the_demand(gateway: GatewayRig, served: Watching) -> None:
    assert gateway.gateway is not None
    demand = queries(ASLEEP)["demand"]
    gateway.gateway.pause()
    try:
        assert until(lambda: not served.ask(demand), 30)
    finally:
        gateway.gateway.unpause()
    served.wait(demand, lambda value: value == 0)


@pytest.mark.docker
def test_what_is_known_of_one_model_of_a_workload_is_not_taken_for_all(served: Watching) -> None:
    assert [served.ask(query) for query in queries(AWAKE, "not-watched").values()] == [[], []]


@pytest.mark.parametrize("name", STACKS)
def test_every_series_that_scaling_looks_at_is_recorded_for_every_model(name: str) -> None:
    watched = STACKS[name]
    recorded = {
        f'{rule.name}{{model="{rule.labels["model"]}"}}'
        for group in rules_of(watched)
        for rule in group.rules
        if "model" in rule.labels
    }
    asked = queries(*(model.name for model in watched.models))
    assert {series for _, series in looked_at(asked.items())} <= recorded
    assert len(looked_at(asked.items())) == 2 * len(watched.models)
