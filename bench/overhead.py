"""What watching costs: the service's speed with the monitoring set running and stopped, by turns."""

import contextlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import docker

from bench import load
from catalog.errors import HostError
from components.monitoring.memory import MEMORY_MIB
from ops.say import step
from ops.series import Query

AT_ONCE = 4
ROUND_SECONDS = 30.0
"""From one evaluation of the rules to the next: each round with the set has all of its work."""
PAIRS = 5
STOPPED_SECONDS = 3.0
STARTED_SECONDS = 20.0
"""Behind a start, which reads what was written before: it is no part of watching."""
START_SECONDS = 120.0


@dataclass(frozen=True)
class Overhead:
    """Tokens per second of pairs of rounds, one with the set running and one with it stopped."""

    running: Sequence[float]
    stopped: Sequence[float]
    memory: Mapping[str, int]
    """Bytes by part, the most that was seen just behind a round, without page cache that the kernel drops."""

    @property
    def ratio(self) -> float:
        """Speed with the set over speed without: median over the pairs."""
        pairs = zip(self.running, self.stopped, strict=True)
        return statistics.median(running / stopped for running, stopped in pairs)

    @property
    def noise(self) -> float:
        """How far rounds without the set differ among themselves, as a share of their median."""
        return (max(self.stopped) - min(self.stopped)) / statistics.median(self.stopped)


class MonitoringSet:
    """The containers of a stack's monitoring set, which runs."""

    def __init__(self, stack: str, query: Query) -> None:
        self._api, self._query = docker.from_env().api, query
        # Those that run: the containers that brought a part's files have its label, too.
        found = docker.from_env().containers.list(filters={"label": f"slm-kit.stack={stack}"})
        names = {each.labels["slm-kit.workload"]: str(each.id) for each in found}
        self._parts = {name: each for name, each in names.items() if name in MEMORY_MIB}

    def stop(self) -> None:
        """Stop all parts. Logs for the collector wait in the engine's memory; no container waits for it."""
        self._all(self._api.stop)
        time.sleep(STOPPED_SECONDS)

    def start(self) -> None:
        """Start all parts."""
        self._all(self._api.start)

    def wait(self, since: float, model: str) -> None:
        """Wait until it watches again: behind `since` (Unix time) each target was scraped and `model`'s usage
        counted, so the engine's log driver is connected, too. Raises HostError after 120 s."""
        usage = f'slm_requests_total{{model="{model}"}}'
        # Without the comparison of times a series from before the stop would do for five minutes.
        fresh = (
            f"min(timestamp(up) * up) > {since:.0f}",
            f"max(timestamp({usage}) and {usage} > 0) > {since:.0f}",
        )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(HostError):
                if all(self._query(expression) for expression in fresh):
                    time.sleep(STARTED_SECONDS)
                    return
            time.sleep(1)
        raise HostError(
            "monitoring", f"does not count requests {START_SECONDS:.0f} s after its start", "See `make logs`."
        )

    def memory(self) -> dict[str, int]:
        """Bytes by part, without page cache that the kernel drops before it kills."""
        used: dict[str, int] = {}
        for part, container in self._parts.items():
            found: Any = self._api.stats(container, stream=False, one_shot=True)["memory_stats"]
            cache = found["stats"].get("total_inactive_file", found["stats"].get("inactive_file", 0))
            used[part] = found["usage"] - cache
        return used

    def _all(self, do: Callable[[str], None]) -> None:
        with ThreadPoolExecutor(len(self._parts)) as pool:
            list(pool.map(do, self._parts.values()))


def measure(watching: MonitoringSet, target: load.Target, tokens: int) -> Overhead:
    """Pairs of rounds; begins with the set running, leaves it stopped."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    memory: list[dict[str, int]] = []
    runs, since = True, time.time()
    for number in range(PAIRS):
        step(f"pair {number + 1} of {PAIRS} of rounds with and without monitoring")
        # Each second pair the other way round: what changes over time weighs on both alike.
        for wanted in (True, False) if number % 2 == 0 else (False, True):
            if wanted != runs:
                since, runs = time.time(), wanted
                (watching.start if runs else watching.stop)()
            load.run(target, AT_ONCE, tokens)
            if runs:
                watching.wait(since, target.model)
            rates[runs].append(_round(target, tokens))
            if runs:
                memory.append(watching.memory())
    if runs:
        watching.stop()
    most = {part: max(each[part] for each in memory) for part in memory[0]}
    return Overhead(rates[True], rates[False], most)


def _round(target: load.Target, tokens: int) -> float:
    """Tokens per second of loads one after another, for a round's time."""
    rates: list[float] = []
    until = time.monotonic() + ROUND_SECONDS
    while time.monotonic() < until:
        rates.append(load.run(target, AT_ONCE, tokens).tokens_per_second)
    # All loads have as many tokens: this is all tokens over all time.
    return statistics.harmonic_mean(rates)
