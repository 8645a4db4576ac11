"""`make bench`: the service through the gateway against the raw onnxruntime-genai loop.

Brings up a stack of its own (port 18282), measures both in turn, several rounds, and prints medians
and their ratio: absolute numbers of a shared machine mean little, the ratio of one run does.
"""

import contextlib
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import yaml

from catalog.errors import KitError
from ops import cleanup, decide, keys, lifecycle
from ops.paths import CHECKOUT, example_file, stack_file
from ops.say import step

STACK = "kit-bench"
PORT = 18282
MODEL = "smollm2-135m-instruct"
PROMPT = "The history of the lighthouse begins"
TOKENS = 96
ROUNDS = 5
CONCURRENCY = (1, 4, 8)
CPUS = 2


def main() -> int:
    """Measure and print; the stack goes down again whatever happens."""
    prepare()
    try:
        lifecycle.up(STACK, None)
        runner = decide.choose_runner(STACK, None)
        endpoint, key = runner.outputs()["endpoint"], keys.show(runner, "default")
        rates = measure(endpoint, key)
    finally:
        lifecycle.down(STACK)
        cleanup.purge_state(STACK, sure=True)
    report(rates)
    return 0


def prepare() -> None:
    """The example stack with eight slots, on a port of its own."""
    if stack_file(STACK).exists():
        raise KitError(
            f"stack {STACK}", "is left from a bench that was cut off", f"make down purge STACK={STACK}"
        )
    example = yaml.safe_load(example_file("local-docker").read_text())
    config = example["config"]
    config["slm-kit:gatewayPort"] = PORT
    config["slm-kit:models"] = [
        {"name": MODEL, "contextLength": 512, "concurrency": max(CONCURRENCY), "cpus": CPUS}
    ]
    config["slm-kit:keys"] = [{"id": "default"}]
    stack_file(STACK).write_text(yaml.safe_dump(example))


Rates = dict[int, list[tuple[float, float]]]
"""Tokens per second of (service, raw loop), a pair a round, by requests at once."""


def measure(endpoint: str, key: str) -> Rates:
    """Both in turn, so that a machine that slows down slows both."""
    rates: Rates = {count: [] for count in CONCURRENCY}
    with raw_loop() as loop, httpx.Client(trust_env=False, timeout=300) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        serve(client, endpoint, 1)
        for number in range(ROUNDS):
            step(f"round {number + 1} of {ROUNDS}")
            for count in CONCURRENCY:
                service = serve(client, endpoint, count)
                loop.stdin.write(json.dumps({"requests": count, "tokens": TOKENS}) + "\n")
                loop.stdin.flush()
                raw = count * TOKENS / json.loads(loop.stdout.readline())["seconds"]
                rates[count].append((service, raw))
    return rates


def serve(client: httpx.Client, endpoint: str, count: int) -> float:
    """Tokens per second of `count` requests at once, from the first sent to the last answered."""
    body = {"model": MODEL, "prompt": PROMPT, "max_tokens": TOKENS, "temperature": 0}
    tokens: list[int] = []

    def ask() -> None:
        answer = client.post(f"{endpoint}/completions", json=body).raise_for_status()
        tokens.append(answer.json()["usage"]["completion_tokens"])

    threads = [threading.Thread(target=ask) for _ in range(count)]
    started = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if tokens != [TOKENS] * count:
        raise RuntimeError(f"{count} requests of {TOKENS} tokens each gave {tokens}: nothing to compare")
    return sum(tokens) / (time.perf_counter() - started)


@contextlib.contextmanager
def raw_loop() -> Iterator[Any]:
    """The raw loop on the same files and processors, in the image that has onnxruntime-genai."""
    folder = subprocess.run(
        ["docker", "run", "--rm", "-v", f"{cleanup.store_volume(STACK)}:/models:ro", "--entrypoint", "sh",
         f"slm-kit/model-tools-convert:{STACK}", "-c", "dirname $(find /models -name genai_config.json)"],
        text=True, capture_output=True, check=True,
    ).stdout.strip()  # fmt: skip
    command = ["docker", "run", "--rm", "-i", "--network", "none", f"--cpus={CPUS}",
               "-v", f"{cleanup.store_volume(STACK)}:/models:ro",
               "-v", f"{CHECKOUT}/bench/raw_loop.py:/raw_loop.py:ro",
               "--entrypoint", "python3", f"slm-kit/model-tools-convert:{STACK}", "/raw_loop.py", folder,
               PROMPT]  # fmt: skip
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT
    )
    try:
        assert process.stdout is not None
        json.loads(process.stdout.readline())
        yield process
    finally:
        process.communicate(timeout=60)


def report(rates: Rates) -> None:
    """Medians over the rounds, the ratio pair by pair."""
    print(f"\n{TOKENS} tokens a request, {CPUS} CPUs each, {ROUNDS} rounds, medians")
    print(f"{'requests at once':<18}{'service tok/s':>14}{'raw loop tok/s':>16}{'ratio':>8}{'  (min - max)'}")
    for count, pairs in rates.items():
        ratios = sorted(service / raw for service, raw in pairs)
        service, raw = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(
            f"{count:<18}{service:>14.0f}{raw:>16.0f}{statistics.median(ratios):>8.2f}"
            f"  ({ratios[0]:.2f} - {ratios[-1]:.2f})"
        )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KitError as error:
        sys.exit(f"error: {error}")
