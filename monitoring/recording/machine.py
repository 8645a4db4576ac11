"""The machine (node exporter 1.9), the volumes of a cluster, and what ends on a day that is known."""

from datetime import UTC, datetime, time

from monitoring.recording.queries import constant, summed
from monitoring.rules import Record
from monitoring.watched import LOKI_MOUNT, MODELS_MOUNT, PROMETHEUS_MOUNT, Watched, WatchedCluster

JOB = "node"
KEPT = ("storage_blocks", "wal_storage_size", "head_chunks_storage_size")
"""What Prometheus 2.53 keeps on its disk: blocks, the log of what is not in one yet, and its chunks."""
VOLUMES = {"models": MODELS_MOUNT, "prometheus": PROMETHEUS_MOUNT, "loki": LOKI_MOUNT}


def records(watched: Watched) -> list[Record]:
    """Its series; of a cluster, whose machines are not the stack's to watch, claims that programs know."""
    if watched.cluster is not None:
        return _claims(watched.cluster)
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


def _claims(cluster: WatchedCluster) -> list[Record]:
    """Prometheus counts what it keeps, but does not look at its disk; Loki 3.7 looks, for its own limit."""
    kept = " + ".join(summed(f"prometheus_tsdb_{part}_bytes", job="prometheus") for part in KEPT)
    name = "slm:disk_used:ratio"
    return [
        Record(name, f"({kept}) / {cluster.metrics_volume_bytes}", {"volume": "prometheus"}),
        # A share, whatever it is called.
        Record(name, 'max(loki_ingester_wal_disk_usage_percent{job="loki"})', {"volume": "loki"}),
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
