"""The machine (node exporter 1.9), and what ends on a day that is known."""

from datetime import UTC, datetime, time

from monitoring.recording.queries import constant, summed
from monitoring.rules import Record
from monitoring.watched import LOKI_MOUNT, MODELS_MOUNT, PROMETHEUS_MOUNT, Watched

JOB = "node"
VOLUMES = {"models": MODELS_MOUNT, "prometheus": PROMETHEUS_MOUNT, "loki": LOKI_MOUNT}


def records(watched: Watched) -> list[Record]:
    """Its series; none on a cluster, whose machines are not the stack's to watch."""
    if watched.cluster:
        return []
    idle = f'avg(rate(node_cpu_seconds_total{{job="{JOB}",mode="idle"}}[5m]))'
    free, memory = (summed(f"node_memory_{name}_bytes", job=JOB) for name in ("MemAvailable", "MemTotal"))
    return [
        Record("slm:host_cpu:ratio", f"clamp_min(1 - {idle}, 0)"),
        Record("slm:host_memory:ratio", f"1 - {free} / {memory}"),
        Record("slm:oom_kills:increase10m", f'sum(increase(node_vmstat_oom_kill{{job="{JOB}"}}[10m]))'),
        Record("slm:clock_synchronised", f'min(node_timex_sync_status{{job="{JOB}"}})'),
        Record("slm:clock_error_seconds", f'max(node_timex_maxerror_seconds{{job="{JOB}"}})'),
        *(record for volume, mount in VOLUMES.items() for record in _disk(volume, mount)),
    ]


def _disk(volume: str, mount: str) -> list[Record]:
    free, size = (
        f'max(node_filesystem_{name}_bytes{{job="{JOB}",mountpoint="{mount}"}})' for name in ("avail", "size")
    )
    return [
        Record("slm:disk_used:ratio", f"1 - {free} / {size}", {"volume": volume}),
        Record("slm:disk_free_bytes", free, {"volume": volume}),
    ]


def ends(watched: Watched) -> list[Record]:
    """Keys and certificates that end."""
    return [
        *(
            constant(
                "slm:key_expiry_timestamp_seconds",
                datetime.combine(key.expires, time(), UTC).timestamp(),
                key_id=key.id,
            )
            for key in watched.keys
            if key.expires
        ),
        *(
            constant("slm:certificate_expiry_timestamp_seconds", end, certificate=name)
            for name, end in watched.certificates
        ),
    ]
