"""What monitoring sees on a real cluster: pods as targets, every series, usage to the token."""

import json
import time
from collections.abc import Iterator

import pytest
from lightkube.core.exceptions import ApiError

from monitoring.vocabulary import series_of
from monitoring.watched import Slo, Watched, WatchedCluster, WatchedEngine, WatchedKey, WatchedModel
from tests.kubernetes.client_pod import client_pod
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.looker import Found, Looker, looking
from tests.kubernetes.waiting import until
from tests.kubernetes.workload_stack import MODEL, NAME, NAMESPACE, TAG, WorkloadStack

pytestmark = pytest.mark.docker

IMAGE = f"slm-kit/onnx-server:{TAG}"
ENGINE = WatchedEngine("onnx", start_budget_seconds=180, memory_limit_bytes=2**30, slots=2)
WATCHED = Watched(
    NAME,
    (WatchedModel(MODEL, Slo(), 64, ENGINE, MODEL, f"{MODEL}.{NAMESPACE}.svc.cluster.local"),),
    (WatchedKey("default", (MODEL,)),),
    cluster=WatchedCluster(NAMESPACE, 8 * 2**30),
)
RECORDED = [series.name for series in series_of(WATCHED)]
LINES = 'sum(loki_distributor_lines_received_total{job="loki"})'
USED = {
    kind: f'slm:usage_{kind}_tokens:total{{key_id="default",model="{MODEL}"}}'
    for kind in ("prompt", "completion")
}
SCRAPED_SECONDS = 40
"""Until what was counted can be seen: a scrape, and a rule behind it."""
REQUESTS = 5
SCRIPT = """
import json, sys, urllib.request
url, model, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
fields = {"Authorization": "Bearer " + open("/key/key").read(), "Content-Type": "application/json"}
for number in range(count):
    messages = [{"role": "user", "content": "Hi. " * (1 + number)}]
    body = {"model": model, "max_tokens": 3 + number, "messages": messages}
    request = urllib.request.Request(url, json.dumps(body).encode(), fields)
    print(json.dumps(json.load(urllib.request.urlopen(request, timeout=60))["usage"]), flush=True)
"""


@pytest.fixture(scope="module")
def looker(cluster: Cluster, stack: WorkloadStack) -> Iterator[Looker]:
    """Somebody who looks at Prometheus all the time."""
    queries = ["up", LINES, *USED.values(), *RECORDED]
    with looking(cluster, NAMESPACE, queries, password=stack.password, stack=NAME, image=IMAGE) as made:
        yield made


def test_every_part_is_a_target_that_is_up_and_the_engine_is_its_pod(looker: Looker) -> None:
    found = looker.until("all targets up", lambda seen: len(seen["up"]) >= 7 and _all(seen["up"], 1))["up"]
    jobs = {labels["job"]: labels for labels, _ in found}
    assert set(jobs) == {
        "gateway", "engine", "usage", "prometheus", "alertmanager", "loki", "collector",
    }  # fmt: skip
    assert (jobs["engine"]["model"], jobs["engine"]["engine"]) == (MODEL, "onnx")
    assert MODEL not in jobs["engine"]["instance"], "an address, not a name"


def test_every_series_that_alerts_dashboards_and_scaling_may_use_is_there(looker: Looker) -> None:
    assert len(RECORDED) > 30
    looker.until("every series", lambda seen: not [name for name in RECORDED if not seen[name]])
    assert not [name for name in RECORDED if "host" in name]


def test_how_full_the_volumes_of_metrics_and_logs_are_is_known(looker: Looker) -> None:
    def both(seen: dict[str, Found]) -> bool:
        used = {labels["volume"]: value for labels, value in seen["slm:disk_used:ratio"]}
        return set(used) == {"prometheus", "loki"} and all(0 < value < 1 for value in used.values())

    looker.until("two shares", both)


def test_usage_is_counted_by_key_to_the_token_and_the_lines_are_kept(
    cluster: Cluster, stack: WorkloadStack, looker: Looker
) -> None:
    before = _at_rest(looker)
    kept = _sum(looker.sees()[LINES])
    url = "http://gateway-published:8080/v1/chat/completions"
    arguments = [url, MODEL, str(REQUESTS)]
    with client_pod(
        cluster, NAMESPACE, "counted", "client", SCRIPT, arguments, key=stack.key, stack=NAME, image=IMAGE
    ):
        told = until("all answers", lambda: _usage(cluster), 180)
    used = {kind: sum(each[f"{kind}_tokens"] for each in told) for kind in USED}
    assert used["completion"] >= REQUESTS

    def counted(seen: dict[str, Found]) -> bool:
        exact = all(seen[USED[kind]][0][1] == before[kind] + used[kind] for kind in USED)
        return exact and _sum(seen[LINES]) >= kept + REQUESTS

    looker.until(f"{used} more than {before}, and their lines", counted)


def _all(found: Found, value: float) -> bool:
    return bool(found) and all(each == value for _, each in found)


def _sum(found: Found) -> float:
    return sum(value for _, value in found)


def _at_rest(looker: Looker) -> dict[str, float]:
    """What was used, once that is all of it: nobody asks, and what was asked before is counted."""
    last: list[tuple[dict[str, float], float]] = []

    def rests() -> dict[str, float] | None:
        seen = looker.sees()
        used = {kind: seen[query][0][1] for kind, query in USED.items() if seen.get(query)}
        if len(used) < len(USED):
            return None
        if not last or last[0][0] != used:
            last[:] = [(used, time.monotonic())]
        return used if time.monotonic() - last[0][1] > SCRAPED_SECONDS else None

    return until("usage at rest", rests, 300)


def _usage(cluster: Cluster) -> list[dict[str, int]] | None:
    try:
        lines = list(cluster.client.log("counted", namespace=NAMESPACE))
    except ApiError:
        return None
    told = [json.loads(line) for line in lines if line.startswith("{")]
    return told if len(told) == REQUESTS else None
