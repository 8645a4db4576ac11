"""What this process may use of the machine: processors and memory, cgroup limits included."""

import math
import os
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
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        text = _read(cgroup / name)
        if text.isdecimal() and int(text) < _NO_LIMIT:
            return min(int(text), machine)
    return machine


def _core(cpu: Path, number: int) -> tuple[str, str]:
    topology = cpu / f"cpu{number}/topology"
    core = _read(topology / "core_id")
    return _read(topology / "physical_package_id"), core or f"cpu{number}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
