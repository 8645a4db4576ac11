"""Monitoring itself: Prometheus 2.53, Alertmanager 0.28, the OpenTelemetry Collector."""

from monitoring.rules import Record
from monitoring.watched import Watched

LOST_LOGS = (
    "otelcol_exporter_send_failed_log_records",
    "otelcol_exporter_enqueue_failed_log_records",
)
"""The collector has these counters from the first failure on (exporterhelper 0.162)."""


def records(_watched: Watched) -> list[Record]:
    """Its series."""
    told = ("alertmanager_notifications_failed_total", "prometheus_notifications_dropped_total")
    lost = (f"({_increase(metric)} or vector(0))" for metric in LOST_LOGS)
    return [
        Record("slm:scrape_up", "max by (job, instance) (up)"),
        Record("slm:rule_failures:increase5m", _increase("prometheus_rule_evaluation_failures_total")),
        Record("slm:notification_failures:increase5m", " + ".join(_increase(metric) for metric in told)),
        Record("slm:log_failures:increase5m", " + ".join(lost)),
    ]


def _increase(metric: str) -> str:
    return f"sum(increase({metric}[5m]))"
