"""Memory of a container without the page cache, sampled while something runs."""

import contextlib
import threading
from collections.abc import Iterator

import docker

SAMPLE_SECONDS = 0.2


class Peak:
    """The largest sample so far, in bytes."""

    value = 0


@contextlib.contextmanager
def peak_of(workload: str, stack: str) -> Iterator[Peak]:
    """Sample the workload's container until the block ends."""
    client = docker.from_env()
    (container,) = client.containers.list(
        filters={"label": [f"slm-kit.stack={stack}", f"slm-kit.workload={workload}"]}
    )
    peak, done, running = Peak(), threading.Event(), str(container.id)
    failures: list[Exception] = []

    def sample() -> None:
        try:
            sample_until_done()
        except Exception as error:
            failures.append(error)

    def sample_until_done() -> None:
        while not done.is_set():
            stats = client.api.stats(running, stream=False, one_shot=True)
            peak.value = max(peak.value, _used(stats["memory_stats"]["stats"]))
            done.wait(SAMPLE_SECONDS)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()
    if failures:
        raise failures[0]


def _used(stats: dict[str, int]) -> int:
    """What cannot be given back: the processes' own memory and memory file systems, cgroup v1 or v2."""
    if "total_rss" in stats:
        # In cgroup v1 shared memory counts as cache; mapped files that are not shared memory can be dropped.
        return stats["total_rss"] + stats.get("total_shmem", 0)
    return stats["anon"] + stats.get("shmem", 0)
