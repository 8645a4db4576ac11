"""`make load`: some traffic with every key and model, then each recorded series with its value."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from catalog.errors import HostError, KitError
from ops import keys, series
from ops.first_answer import askable
from ops.runner import Runner
from ops.say import step
from stacks.plan import LIMITS, plan
from stacks.settings import StackSettings
from stacks.watching import watched_of

MOST_SECONDS, MOST_CONCURRENCY = 600, 64
SETTLE_SECONDS = 75
"""A scrape and two evaluations of the rules behind the last request (monitoring/prometheus.py)."""
Target = tuple[str, str]
"""A key and a model that it may ask."""
QUESTIONS = ("Say hello.", "Count to twenty.", "What is the sea?", "Name three colours.")
TOKENS = 32


def load(used: Runner, settings: StackSettings, seconds: int, concurrency: int) -> None:
    """Traffic for `seconds` (1 to 600) with `concurrency` (1 to 64) requests at once; then the table.

    Raises HostError for a series without a value, and for answers that broke off.
    """
    bounds = (("seconds", seconds, MOST_SECONDS), ("concurrency", concurrency, MOST_CONCURRENCY))
    for name, value, most in bounds:
        if not 1 <= value <= most:
            raise KitError(f"{name} {value}", f"must be 1 to {most}", "Give another.")
    if not settings.monitoring.enabled:
        raise KitError(
            "monitoring.enabled false", "there is nothing that records", "Set it to true and `make up`."
        )
    watched = watched_of(used.stack, plan(settings), settings, LIMITS)
    endpoint = used.outputs().get("endpoint")
    if endpoint is None:
        raise KitError(f"stack {used.stack}", "is not up", f"Run `make up STACK={used.stack}` first.")
    step(f"{concurrency} requests at once for {seconds} s; they count as use of the stack's own keys")
    broken = _ask(used, settings, endpoint, time.monotonic() + seconds, concurrency)
    step(f"waiting {SETTLE_SECONDS} s until the rules have seen it")
    time.sleep(SETTLE_SECONDS)
    empty = series.show(watched, series.query_of(used, settings))
    if empty:
        raise HostError(
            f"{len(empty)} series without a value: {', '.join(empty)}",
            "a dashboard or an alert would look at nothing",
            "See Prometheus' targets page for what cannot be scraped, and `make logs`.",
        )
    if broken:
        raise HostError(f"{broken} answers", "broke off, or never began", "See `make logs` of the gateway.")


def _ask(used: Runner, settings: StackSettings, endpoint: str, until: float, concurrency: int) -> int:
    """How many answers there were none or half of."""
    targets = [(keys.show(used, key_id), model) for key_id, model in askable(settings)]
    if not targets:
        step("no key may chat with a model of this stack (endpoints outside are not asked): no traffic")
        return 0
    with ThreadPoolExecutor(concurrency) as pool:
        # Each begins with another key and model, and goes round all of them.
        begun = [targets[number % len(targets) :] + targets for number in range(concurrency)]
        counted = sum(pool.map(lambda mine: _worker(endpoint, mine, until), begun), Counter[int]())
    known = {0: "broken off or none", 429: "429 (the key's limit)", 503: "503 (no free place)"}
    said = ", ".join(f"{count} x {known.get(status, status)}" for status, count in sorted(counted.items()))
    step(f"answers by status: {said}")
    return counted[0]


def _worker(endpoint: str, targets: Sequence[Target], until: float) -> Counter[int]:
    """One request after the other, every second one streamed. 0 counts those without a whole answer."""
    counted: Counter[int] = Counter()
    with httpx.Client(base_url=endpoint, timeout=120, trust_env=False) as client:
        while time.monotonic() < until:
            number = sum(counted.values())
            key, model = targets[number % len(targets)]
            question = {"role": "user", "content": QUESTIONS[number % len(QUESTIONS)]}
            body = {"model": model, "messages": [question], "max_tokens": TOKENS, "stream": number % 2 == 1}
            try:
                answer = client.post(
                    "/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
                )
                counted[answer.status_code] += 1
            except httpx.HTTPError:
                counted[0] += 1
                time.sleep(1)
            else:
                # Who is refused for going too fast, or for no free slot, comes back a little later.
                time.sleep(0 if answer.is_success else 1)
    return counted
