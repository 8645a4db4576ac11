"""`make bench`: ONNX and Ollama side by side through the gateway, and the raw onnxruntime-genai loop; before
that, ONNX with monitoring and without.

Brings up a stack of its own, measures all in turn, several rounds, and writes a table and a plot into
docs/bench: absolute numbers of a shared machine mean little, the ratios of one run do.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench import load, overhead, report
from bench.peak import peak_of
from bench.stack import CONTEXT, CPUS, MODEL, PORT, SERVICES, SLOTS, STACK, prepare
from catalog.errors import KitError
from ops import cleanup, decide, keys, lifecycle, removal
from ops.paths import CHECKOUT
from ops.say import step
from ops.series import query_of
from ops.stack_settings import settings_of
from stacks.plan import plan

TOKENS = 96
ROUNDS = 5
CONCURRENCY = (1, 4, 8)


def main() -> int:
    """Measure and write; the stack goes down again whatever happens."""
    prepare()
    try:
        lifecycle.up(STACK, None)
        runner = decide.choose_runner(STACK, None)
        key = keys.show(runner, "default")
        endpoint = f"http://127.0.0.1:{PORT}/v1"
        targets = {engine: load.Target(endpoint, key, name) for engine, name in SERVICES.items()}
        watching = overhead.MonitoringSet(STACK, query_of(runner, settings_of(STACK)))
        result = measure(targets, overhead.measure(watching, targets["onnx"], TOKENS))
    finally:
        removal.down(STACK)
        cleanup.purge_state(STACK, sure=True)
    path = report.write(result)
    print("\n" + report.markdown(result))
    print(f"{path.relative_to(CHECKOUT)} and its plot are written")
    missed = report.misses(result)
    for each in missed:
        print(f"missed: {each}")
    return 1 if missed else 0


def measure(targets: dict[str, load.Target], watching: overhead.Overhead) -> report.Result:
    """All in turn in every round, so that a machine that slows down slows all of them. Monitoring is stopped
    by now."""
    loads: dict[str, dict[int, list[load.Load]]] = {e: {n: [] for n in CONCURRENCY} for e in targets}
    raw: dict[int, list[float]] = {count: [] for count in CONCURRENCY}
    with raw_loop() as loop:
        for target in targets.values():
            load.run(target, SLOTS, TOKENS)
        for number in range(ROUNDS):
            step(f"round {number + 1} of {ROUNDS}")
            for count in CONCURRENCY:
                for engine, target in targets.items():
                    loads[engine][count].append(load.run(target, count, TOKENS))
                raw[count].append(loop.tokens_per_second(count))
    setting = (
        f"{MODEL} in 4 bits, {TOKENS} tokens a request, {CPUS} CPUs each, {SLOTS} slots of {CONTEXT} tokens, "
        f"{ROUNDS} rounds"
    )
    return report.Result(loads, raw, measure_memory(targets), watching, setting, versions())


def measure_memory(targets: dict[str, load.Target]) -> dict[str, report.Memory]:
    """Each engine's peak while all its slots fill up to the configured context."""
    found: dict[str, report.Memory] = {}
    for engine, target in targets.items():
        step(f"filling {SLOTS} slots of {engine}")
        with peak_of(target.model, STACK) as peak:
            filled = load.fill(target, SLOTS, CONTEXT)
        made = plan(settings_of(STACK))
        predicted = next(e.fit.estimate.total for e in made.hosted if e.serving.name == target.model)
        found[engine] = report.Memory(predicted, peak.value, filled)
    return found


def versions() -> dict[str, str]:
    """Of what was measured, as the images say."""
    python = "import onnxruntime as o; print(o.__version__)"
    return {
        "ONNX Runtime": _ask(f"slm-kit/onnx-server:{STACK}", "python", "-c", python),
        "Ollama": _ask(f"slm-kit/ollama:{STACK}", "ollama", "--version").split()[-1],
    }


def _ask(image: str, program: str, *arguments: str) -> str:
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", program, image, *arguments]
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout.strip()


@dataclass
class RawLoop:
    """The running loop, asked over its standard input."""

    process: subprocess.Popen[str]

    def tokens_per_second(self, count: int) -> float:
        """Of `count` requests, one after another: it knows nothing else."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"requests": count, "tokens": TOKENS}) + "\n")
        self.process.stdin.flush()
        return count * TOKENS / float(self.answer()["seconds"])

    def answer(self) -> dict[str, Any]:
        """One line of its output."""
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found


@contextlib.contextmanager
def raw_loop() -> Iterator[RawLoop]:
    """The raw loop on the same files and processors, in the image that has onnxruntime-genai."""
    image, volume = f"slm-kit/model-tools-convert:{STACK}", f"{cleanup.store_volume(STACK)}:/models:ro"
    folder = subprocess.run(
        ["docker", "run", "--rm", "-v", volume, "--entrypoint", "sh", image,
         "-c", "dirname $(find /models -name genai_config.json)"],
        text=True, capture_output=True, check=True,
    ).stdout.strip()  # fmt: skip
    command = ["docker", "run", "--rm", "-i", "--network", "none", f"--cpus={CPUS}", "-v", volume,
               "-v", f"{CHECKOUT}/bench/raw_loop.py:/raw_loop.py:ro", "--entrypoint", "python3", image,
               "/raw_loop.py", folder, load.PROMPTS[0]]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    loop = RawLoop(process)
    try:
        loop.answer()
        yield loop
    finally:
        process.communicate(timeout=60)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KitError as error:
        sys.exit(f"error: {error}")
