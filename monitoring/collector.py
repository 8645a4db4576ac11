"""The OpenTelemetry Collector's configuration: logs to Loki, usage counted from the gateway's.

Names of components are those of collector 0.159; fields of the access log are those of
components/gateway/log_fields.py.
"""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from monitoring.usage import BIRTH_EVENT, GATEWAY, counting
from monitoring.usage_counters import BUCKETS, counters
from monitoring.watched import ADDRESSES, Watched

__all__ = ["BUCKETS", "render"]

FORWARD_PORT = 8006
"""Fluentd's forward protocol: what the containers' log driver speaks."""
LINES_PORT = 8007
"""On a cluster: lines over TCP, from the gateway alone."""
HEALTH_PORT = 13133
HEALTH_PATH = "/"
"""On 127.0.0.1 inside the container."""
SECRETS = (
    "slm-[A-Za-z0-9_-]{20,}",
    "(?i:bearer)[ +:]+[A-Za-z0-9._~+/=-]{8,}",
    "(?:sk-|hf_|xox[a-z]-)[A-Za-z0-9_-]{16,}",
)
"""Regular expressions (RE2) of what is never stored: keys of the kit and of endpoints, bearer tokens."""
REDACTED = "[redacted]"
LABELLED = {"service.name": "slm-kit.workload", "stack": "slm-kit.stack"}
"""Resource attributes by the container label that says them; Loki makes labels of them."""
_KEPT = ("service.name", "stack", "container_name", "source", "request_id", "level")
"""Attributes of a record in Loki; the line itself says the rest."""
_NEVER = "876000h"
_USAGE = ADDRESSES.usage.rsplit(":", 1)[1]
_TELEMETRY = int(ADDRESSES.collector.rsplit(":", 1)[1])
SCRAPED_PORTS = (_TELEMETRY, int(_USAGE))
"""What Prometheus asks."""


def render(watched: Watched) -> str:
    """collector.yaml, the same text for the same stack."""
    config: dict[str, Any] = {
        "receivers": _receiver(watched),
        "processors": _processors(watched),
        "connectors": {"signal_to_metrics": {"logs": counters(watched)}},
        "exporters": _exporters(),
        "extensions": {"health_check": {"endpoint": f"127.0.0.1:{HEALTH_PORT}", "path": HEALTH_PATH}},
        "service": _service(list(_receiver(watched))),
    }
    return yaml.safe_dump(config, sort_keys=False, width=10_000, allow_unicode=True)


def _receiver(watched: Watched) -> Mapping[str, Any]:
    """What Docker hands on of all containers; on a cluster the gateway's lines, labelled alike."""
    if not watched.cluster:
        return {"fluent_forward": {"endpoint": f"0.0.0.0:{FORWARD_PORT}"}}
    said = {"service.name": GATEWAY, "stack": watched.stack}
    return {
        "tcp_log": {
            "listen_address": f"0.0.0.0:{LINES_PORT}",
            "max_log_size": "64KiB",
            "attributes": {
                **{label: said[name] for name, label in LABELLED.items()},
                "source": "stdout",
            },
        }
    }


def _processors(watched: Watched) -> Mapping[str, Any]:
    return {
        # Of the container's own limit. Above it records are dropped: nothing upstream waits.
        "memory_limiter": {"check_interval": "1s", "limit_percentage": 75, "spike_limit_percentage": 20},
        "batch": {"send_batch_size": 512, "send_batch_max_size": 1024, "timeout": "1s"},
        "filter/not_births": {
            "error_mode": "silent",
            "logs": {"log_record": [f'IsMatch(body, "^{{\\"event\\":\\"{BIRTH_EVENT}\\"")']},
        },
        "transform/line": {"error_mode": "silent", "log_statements": [_statements(_line())]},
        "transform/redact": {"error_mode": "propagate", "log_statements": [_statements(_redaction())]},
        # A batch mixes containers; Loki wants one resource each.
        "groupbyattrs": {"keys": list(LABELLED)},
        **counting(watched),
        "delta_to_cumulative": {"max_stale": _NEVER, "max_streams": 100_000},
    }


def _line() -> list[str]:
    """A record's attributes, of the container's labels and of its line where that is a JSON object."""
    return [
        'merge_maps(log.cache, ParseJSON(log.body), "upsert") where IsMatch(log.body, "^[{].*[}]\\\\s*$")',
        *(f'set(log.attributes["{name}"], log.attributes["{label}"])' for name, label in LABELLED.items()),
        *(
            f'set(log.attributes["{name}"], log.cache["{name}"]) where IsString(log.cache["{name}"])'
            for name in ("request_id", "level")
        ),
        f"keep_keys(log.attributes, {json.dumps(_KEPT)})",
    ]


def _redaction() -> list[str]:
    """Lines are text and attributes too: a request id is what a client made up."""
    return [
        statement
        for secret in SECRETS
        for statement in (
            f'replace_pattern(log.body, "{secret}", "{REDACTED}") where IsString(log.body)',
            f'replace_all_patterns(log.attributes, "value", "{secret}", "{REDACTED}")',
        )
    ]


def _statements(statements: list[str]) -> Mapping[str, Any]:
    return {"context": "log", "statements": statements}


def _exporters() -> Mapping[str, Any]:
    return {
        "otlp_http/loki": {
            "endpoint": f"http://{ADDRESSES.loki}/otlp",
            "compression": "gzip",
            "timeout": "10s",
            # Full, it drops: a log never waits for Loki.
            "sending_queue": {
                "enabled": True,
                "sizer": "bytes",
                "queue_size": 10_000_000,
                "num_consumers": 2,
            },
            "retry_on_failure": {
                "enabled": True,
                "initial_interval": "1s",
                "max_interval": "10s",
                # Until the queue is full: building Loki may take longer than starting what it watches.
                "max_elapsed_time": "0s",
            },
        },
        "prometheus": {
            "endpoint": f"0.0.0.0:{_USAGE}",
            # What a key used is not forgotten because it rests.
            "metric_expiration": _NEVER,
            "translation_strategy": "UnderscoreEscapingWithoutSuffixes",
            "without_scope_info": True,
        },
    }


def _service(receivers: list[str]) -> Mapping[str, Any]:
    reader = {"pull": {"exporter": {"prometheus": {"host": "0.0.0.0", "port": _TELEMETRY}}}}
    return {
        "extensions": ["health_check"],
        "telemetry": {
            "logs": {"level": "warn", "encoding": "json"},
            "metrics": {"level": "basic", "readers": [reader]},
        },
        "pipelines": {
            "logs/loki": {
                "receivers": receivers,
                "processors": [
                    "memory_limiter",
                    "filter/not_births",
                    "transform/line",
                    "transform/redact",
                    "groupbyattrs",
                    "batch",
                ],
                "exporters": ["otlp_http/loki"],
            },
            "logs/usage": {
                "receivers": receivers,
                "processors": ["memory_limiter", "filter/access_log", "transform/usage"],
                "exporters": ["signal_to_metrics"],
            },
            "metrics/usage": {
                "receivers": ["signal_to_metrics"],
                "processors": ["delta_to_cumulative"],
                "exporters": ["prometheus"],
            },
        },
    }
