"""The machine: memory, disks, clock; of a cluster, the volumes of monitoring.

Busy processors are no alert: an engine on processors uses all it gets, and what people feel of it is a late
first token.
"""

from monitoring.alerts.making import Dashboard, Severity, alert, where
from monitoring.rules import Alert, Group
from monitoring.vocabulary import series_of
from monitoring.watched import Watched

DISK_NEARLY_FULL = 0.9
DISK_FULL = 0.94
"""Below where Loki takes no more lines, and stays (monitoring/loki.py)."""
MEMORY_NEARLY_FULL = 0.95
_OF_ENGINE = "slm:engine_oom_kills:increase10m"
_TOLD = f"{_OF_ENGINE} > 0"
_USED = "{{ $value | humanizePercentage }} of its disk is in use"
CLOCK_SECONDS = 5
"""A clock that is set by the network may be off by about one second (the kernel's own bound, half an hour
after it asked a server); five are reached after three hours without one."""
CLOCK_WAS_SET = "1d"
"""A clock that the network did not set in this time is nothing that broke: the bound is 16 seconds for good
where nobody tells the kernel, as with a host that sets its guest's clock, or chrony without `rtcsync`."""


def groups(watched: Watched) -> list[Group]:
    """The same for every machine, but who was killed is known only of engines.

    On a cluster that alone, and the volumes of Prometheus and Loki.
    """
    if watched.cluster is not None:
        rules = [*([_killed_inside()] if _tells(watched) else []), _full(watched), _nearly_full(watched)]
    else:
        disks = (_full(watched), _models_nearly_full(), _nearly_full(watched))
        rules = [*_oom_kills(watched), _memory(), *disks, _clock()]
    return [Group("alerts-machine", rules)]


def _tells(watched: Watched) -> bool:
    """Whether an engine says what was killed of it."""
    return any(series.name == _OF_ENGINE for series in series_of(watched))


def _oom_kills(watched: Watched) -> list[Alert]:
    """An engine says what was killed of it; one that started when the kernel killed was killed itself."""
    killed, just_started = "slm:oom_kills:increase10m > 0", "time() - slm:engine_start_time_seconds < 600"
    named = [*([just_started] if watched.engines else []), *([_TOLD] if _tells(watched) else [])]
    other = alert(
        "OomKill",
        " unless on () ".join([killed, *(f"({one})" for one in named)]),
        Severity.TICKET,
        Dashboard.HARDWARE,
        labels={"killed": "other"},
        summary="The kernel killed {{ $value | humanize }} processes for memory in 10 minutes, "
        "and no engine started anew",
        first="Run `make logs`: a container that ended with code 137 was killed.",
    )
    if not watched.engines:
        return [other]
    engine = alert(
        "OomKill",
        f"({just_started}) and on () ({killed})",
        Severity.TICKET,
        Dashboard.HARDWARE,
        labels={"killed": "engine"},
        summary="{{ $labels.model }} ({{ $labels.engine }}) was probably killed for memory: "
        "the kernel killed in the last 10 minutes, and it was started {{ $value | humanizeDuration }} ago",
        first="Give it more memory (memoryMib), or fewer requests at once (concurrency).",
    )
    return [engine, *([_killed_inside()] if _tells(watched) else []), other]


def _killed_inside() -> Alert:
    return alert(
        "OomKill",
        _TOLD,
        Severity.TICKET,
        Dashboard.MODEL,
        labels={"killed": "inside"},
        summary="{{ $labels.model }} ({{ $labels.engine }}) reached its memory limit: the kernel killed "
        "{{ $value | humanize }} of its processes in 10 minutes",
        first="Give it more memory (memoryMib), or fewer requests at once (concurrency).",
    )


def _memory() -> Alert:
    return alert(
        "HostMemoryNearlyFull",
        f"slm:host_memory:ratio > {MEMORY_NEARLY_FULL}",
        Severity.TICKET,
        Dashboard.HARDWARE,
        for_="5m",
        summary="{{ $value | humanizePercentage }} of the machine's memory is in use",
        first="Run `docker stats --no-stream`: it shows which container holds how much of its limit.",
    )


def _full(watched: Watched) -> Alert:
    return alert(
        "DiskFull",
        f"slm:disk_used:ratio > {DISK_FULL}",
        Severity.PAGE,
        Dashboard.HARDWARE,
        for_="2m",
        summary=f"Volume {{{{ $labels.volume }}}}: {_USED}",
        first=where(
            watched,
            "Make room now: `docker system df` shows what Docker holds.",
            "Keep metrics or logs for fewer days now, or give metrics more (storageGib), where their storage "
            "class lets a claim grow: `KUBECTL get pvc`.",
        ),
    )


def _models_nearly_full() -> Alert:
    return alert(
        "ModelStoreNearlyFull",
        f'slm:disk_used:ratio{{volume="models"}} > {DISK_NEARLY_FULL}',
        Severity.TICKET,
        Dashboard.HARDWARE,
        for_="10m",
        summary=f"Model store: {_USED}",
        first="The next model may not fit: look what else lies on the disk before adding one.",
    )


def _nearly_full(watched: Watched) -> Alert:
    return alert(
        "DiskNearlyFull",
        f'slm:disk_used:ratio{{volume!="models"}} > {DISK_NEARLY_FULL}',
        Severity.TICKET,
        Dashboard.HARDWARE,
        for_="10m",
        summary=f"Volume {{{{ $labels.volume }}}}: {_USED}",
        first=where(
            watched,
            "Look what else lies on the disk, then shorten how long metrics or logs are kept.",
            "Keep metrics or logs for fewer days, or give metrics more (storageGib): `KUBECTL get pvc`.",
        ),
    )


def _clock() -> Alert:
    error, is_set = "slm:clock_error_seconds", "slm:clock_synchronised"
    off = f"({error} > {CLOCK_SECONDS} or {error} and on () {is_set} == 0)"
    return alert(
        "ClockOff",
        f"{off} and on () max_over_time({is_set}[{CLOCK_WAS_SET}]) == 1",
        Severity.TICKET,
        Dashboard.HARDWARE,
        for_="10m",
        summary="The machine's clock is no longer set by the network and may be off by "
        "{{ $value | humanizeDuration }}",
        first="Run `timedatectl` on the machine: is its clock set by the network?",
    )
