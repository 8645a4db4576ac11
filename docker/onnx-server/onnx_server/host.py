"""What this process may use of the machine: processors and memory, cgroup limits included."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_CPU = Path("/sys/devices/system/cpu")
_NO_LIMIT = 1 << 60
"""cgroup v1 writes a number near 2**63 for "no limit"."""


def default_threads(*, cgroup: Path = _CGROUP, cpu: Path = _CPU) -> int:
    """Physical cores this process may run on, limited by its CPU quota; at least 1.

    Second threads of a core only slow the matrix kernels down, and threads beyond the quota are
    throttled for up to 100 ms while the others wait for them, so a quota is rounded down.
    """
    allowed = os.sched_getaffinity(0)
    cores = {_core(cpu, number) for number in allowed}
    quota = cpu_quota(cgroup)
    return max(1, min(len(cores), math.floor(quota) if quota else len(cores)))


def cpu_quota(cgroup: Path = _CGROUP) -> float | None:
    """CPUs this container may use, None without a limit (cgroup v2, then v1)."""
    if words := _read(cgroup / "cpu.max").split():
        return None if words[0] == "max" else int(words[0]) / int(words[1])
    quota = _read(cgroup / "cpu/cpu.cfs_quota_us")
    period = _read(cgroup / "cpu/cpu.cfs_period_us")
    if not quota or not period or int(quota) <= 0:
        return None
    return int(quota) / int(period)


def memory_limit(cgroup: Path = _CGROUP) -> int:
    """Bytes this process may use: the container's limit, else the machine's memory."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = container_memory(cgroup).limit
    return machine if limit is None else min(limit, machine)


@dataclass(frozen=True)
class ContainerMemory:
    """What the kernel says of a container's memory; None is what it does not say."""

    used: int | None
    """Bytes counted against the limit, of all processes, without page cache that was not used lately: the
    kernel drops that before it kills."""
    limit: int | None
    """Bytes; None also where there is no limit."""
    oom_kills: int | None
    """Processes killed because the limit was reached."""


def container_memory(cgroup: Path = _CGROUP) -> ContainerMemory:
    """Memory of the container this process is in (cgroup v2, then v1; field names are the kernel's)."""
    for current, limit, inactive, kills in (
        ("memory.current", "memory.max", "inactive_file", "memory.events"),
        (
            "memory/memory.usage_in_bytes",
            "memory/memory.limit_in_bytes",
            "total_inactive_file",
            "memory/memory.oom_control",
        ),
    ):
        counted, allowed = _number(cgroup / current), _number(cgroup / limit)
        if counted is None and allowed is None:
            continue
        cache = _field((cgroup / current).with_name("memory.stat"), inactive) or 0
        return ContainerMemory(
            used=None if counted is None else max(0, counted - cache),
            limit=allowed if allowed is not None and allowed < _NO_LIMIT else None,
            oom_kills=_field(cgroup / kills, "oom_kill"),
        )
    return ContainerMemory(None, None, None)


def _number(path: Path) -> int | None:
    text = _read(path)
    return int(text) if text.isdecimal() else None


def _field(path: Path, name: str) -> int | None:
    """A number of a file of lines `name number`."""
    for line in _read(path).splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == name and words[1].isdecimal():
            return int(words[1])
    return None


def _core(cpu: Path, number: int) -> tuple[str, str]:
    topology = cpu / f"cpu{number}/topology"
    core = _read(topology / "core_id")
    return _read(topology / "physical_package_id"), core or f"cpu{number}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
