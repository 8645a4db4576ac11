"""Somebody inside the cluster who looks at Prometheus, with its login."""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lightkube.core.exceptions import ApiError

from monitoring.watched import LOGIN
from tests.kubernetes.client_pod import client_pod
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.waiting import until

ROLE = "monitoring"
NAME = "looker"
SCRIPT = """
import base64, json, sys, time, urllib.parse, urllib.request
url, login, queries = sys.argv[1], sys.argv[2], sys.argv[3:]
word = base64.b64encode((login + ":" + open("/key/key").read()).encode()).decode()
while True:
    for query in queries:
        body = urllib.parse.urlencode({"query": query}).encode()
        told = {"query": query, "found": []}
        try:
            request = urllib.request.Request(url, body, {"Authorization": "Basic " + word})
            found = json.load(urllib.request.urlopen(request, timeout=10))["data"]["result"]
            told["found"] = [[each["metric"], float(each["value"][1])] for each in found]
        except Exception as problem:
            told["problem"] = repr(problem)
        # A line a query: the cluster cuts lines of 16 KiB.
        print(json.dumps(told), flush=True)
    time.sleep(2)
"""

Found = list[tuple[dict[str, str], float]]


@dataclass(frozen=True)
class Looker:
    """Answers to its queries: label sets with values, the newest it has."""

    cluster: Cluster
    namespace: str
    queries: Sequence[str]

    def sees(self) -> dict[str, Found]:
        """By query; nothing before the first look at all of them is done."""
        count = len(self.queries)
        try:
            lines = list(self.cluster.client.log(NAME, namespace=self.namespace, tail_lines=count))
        except ApiError:
            return {}
        told = [json.loads(line) for line in lines if line.rstrip().endswith("}")]
        seen = {each["query"]: [(labels, value) for labels, value in each["found"]] for each in told}
        return seen if len(seen) == count else {}

    def until(
        self, what: str, good: Callable[[dict[str, Found]], bool], seconds: float = 120
    ) -> dict[str, Found]:
        """What it sees once that is good. Raises TimeoutError."""

        def look() -> dict[str, Found] | None:
            seen = self.sees()
            return seen if seen and good(seen) else None

        try:
            return until(what, look, seconds)
        except TimeoutError as late:
            raise TimeoutError(f"{what}: Prometheus has {self.sees()}") from late


@contextlib.contextmanager
def looking(
    cluster: Cluster, namespace: str, queries: Sequence[str], *, password: str, stack: str, image: str
) -> Iterator[Looker]:
    """Look every other second until the end."""
    url = "http://prometheus-published:9090/api/v1/query"
    with client_pod(
        cluster, namespace, NAME, ROLE, SCRIPT, [url, LOGIN, *queries], key=password, stack=stack, image=image
    ):
        yield Looker(cluster, namespace, queries)
