"""A client inside the cluster: a pod that asks the gateway again and again, and writes down what it gets."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lightkube.core.exceptions import ApiError

from tests.kubernetes.client_pod import client_pod
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.waiting import until

ROLE = "client"
"""Label by which NetworkPolicies let a pod ask the gateway (components/platforms/kubernetes_policies.py)."""
SCRIPT = """
import json, sys, threading, time, urllib.error, urllib.request
url, model, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
key = open("/key/key").read()
body = json.dumps({"model": model, "temperature": 0, "max_tokens": 12,
                   "messages": [{"role": "user", "content": "What is the capital of France?"}]}).encode()
fields = {"Authorization": "Bearer " + key, "Content-Type": "application/json"}
def work():
    while True:
        told = {"at": time.time()}
        try:
            request = urllib.request.Request(url, body, fields)
            with urllib.request.urlopen(request, timeout=60) as answer:
                told |= {"status": answer.status}
                told["text"] = json.load(answer)["choices"][0]["message"]["content"]
        except urllib.error.HTTPError as problem:
            told |= {"status": problem.code, "retry": problem.headers["Retry-After"]}
            told["code"] = json.load(problem)["error"]["code"]
        except Exception as problem:
            told |= {"status": 0, "code": repr(problem)}
        told["seconds"] = time.time() - told["at"]
        # One write a line: threads do not wait for each other between two.
        sys.stdout.write(json.dumps(told) + "\\n")
        sys.stdout.flush()
        time.sleep(0.05)
for _ in range(workers):
    threading.Thread(target=work).start()
"""


@dataclass(frozen=True)
class Asker:
    """The running client."""

    cluster: Cluster
    namespace: str

    def told(self, since: float = 0) -> list[dict[str, Any]]:
        """What it got for the requests that it began after `since` (Unix time), in order of their ends."""
        try:
            lines = list(self.cluster.client.log("asker", namespace=self.namespace))
        except ApiError:
            return []
        return [found for line in lines if (found := json.loads(line))["at"] > since]

    def answered(self, since: float, count: int = 1) -> list[dict[str, Any]]:
        """All of them, once `count` in a row at the end were answered."""

        def look() -> list[dict[str, Any]] | None:
            found = self.told(since)
            last = found[-count:]
            return found if len(last) == count and all(each["status"] == 200 for each in last) else None

        return until(f"{count} answers in a row", look, 180)


@contextlib.contextmanager
def asking(cluster: Cluster, namespace: str, **values: str) -> Iterator[Asker]:
    """Ask until the end; `values` are key, stack, image (with Python), url, model and workers."""
    arguments = [values.pop(each) for each in ("url", "model", "workers")]
    with client_pod(cluster, namespace, "asker", ROLE, SCRIPT, arguments, **values):
        yield Asker(cluster, namespace)
