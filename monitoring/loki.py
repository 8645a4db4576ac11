"""Loki's configuration: one process, files on its volume, OTLP in, LogQL out."""

import yaml

from monitoring.watched import ADDRESSES, Watched

DATA = "/loki"
"""Its volume: chunks, index, write-ahead log."""
INDEX_LABELS = ("service.name", "stack")
"""Resource attributes that become labels (`service_name`, `stack`); all others are structured metadata, so
that the number of streams is the number of containers."""
RATE_MB = 0.5
"""What it takes in a second on average; beyond it the sender waits and tries again. The only bound on the
disk: 43 GB of plain text a day, stored as about a tenth where lines are alike, as more where they are not."""
BURST_MB = 8
LINE_BYTES = 64 * 1024
"""Longer lines are cut. A line of the gateway's access log has about 1 KB."""
STREAMS = 200


def render(watched: Watched) -> str:
    """The file `loki.yaml` of a stack. Nothing in it is secret. It publishes no port and has no login."""
    settings = {
        "auth_enabled": False,
        "analytics": {"reporting_enabled": False},
        "server": _server(),
        "common": {
            "path_prefix": DATA,
            "instance_addr": "127.0.0.1",
            "replication_factor": 1,
            "ring": {"kvstore": {"store": "inmemory"}},
            "storage": {
                "filesystem": {"chunks_directory": f"{DATA}/chunks", "rules_directory": f"{DATA}/rules"}
            },
        },
        "schema_config": {
            "configs": [
                {
                    "from": "2024-01-01",
                    "store": "tsdb",
                    "object_store": "filesystem",
                    "schema": "v13",
                    "index": {"prefix": "index_", "period": "24h"},
                }
            ]
        },
        "ingester": _ingester(),
        "compactor": {
            "working_directory": f"{DATA}/compactor",
            "retention_enabled": True,
            "delete_request_store": "filesystem",
        },
        "limits_config": _limits(watched.log_retention_days),
        **_reading(),
    }
    return yaml.safe_dump(settings, sort_keys=False)


def _server() -> dict[str, object]:
    """One address for HTTP; gRPC is only between its own parts."""
    return {
        "http_listen_port": int(ADDRESSES.loki.rpartition(":")[2]),
        "grpc_listen_address": "127.0.0.1",
        "grpc_listen_port": 9095,
        "log_level": "warn",
        "graceful_shutdown_timeout": "10s",
    }


def _ingester() -> dict[str, object]:
    """Small chunks that leave memory early; what was not written yet is in the write-ahead log."""
    return {
        "chunk_idle_period": "10m",
        "max_chunk_age": "1h",
        "chunk_target_size": 512 * 1024,
        "chunk_block_size": 128 * 1024,
        "concurrent_flushes": 2,
        "lifecycler": {"min_ready_duration": "0s", "final_sleep": "0s"},
        "wal": {
            "dir": f"{DATA}/wal",
            "replay_memory_ceiling": "64MB",
            "checkpoint_duration": "5m",
            # From there on it takes no lines: above 94 %, where DiskFull pages first.
            "disk_full_threshold": 0.95,
        },
    }


def _limits(days: int) -> dict[str, object]:
    retention = f"{days * 24}h"
    return {
        "retention_period": retention,
        # Whoever reaches Loki may read; nobody may ask it to forget.
        "deletion_mode": "disabled",
        "reject_old_samples_max_age": retention,
        "ingestion_rate_mb": RATE_MB,
        "ingestion_burst_size_mb": BURST_MB,
        "per_stream_rate_limit": f"{BURST_MB // 2}MB",
        "per_stream_rate_limit_burst": f"{BURST_MB}MB",
        "max_line_size": LINE_BYTES,
        "max_line_size_truncate": True,
        "max_global_streams_per_user": STREAMS,
        "max_query_length": retention,
        "max_query_parallelism": 2,
        "max_entries_limit_per_query": 5000,
        "query_timeout": "30s",
        "volume_enabled": False,
        "allow_structured_metadata": True,
        "otlp_config": {
            "resource_attributes": {
                "ignore_defaults": True,
                "attributes_config": [{"action": "index_label", "attributes": list(INDEX_LABELS)}],
            }
        },
    }


def _reading() -> dict[str, object]:
    """Two queries at a time and small caches: logs are read by a person now and then."""
    small = {"embedded_cache": {"enabled": True, "max_size_mb": 16}}
    return {
        "querier": {"max_concurrent": 2},
        "query_range": {"cache_results": False, "parallelise_shardable_queries": False},
        "chunk_store_config": {"chunk_cache_config": small},
        "tracing": {"enabled": False},
    }
