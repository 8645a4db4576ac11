"""Monitoring itself: Prometheus 2.53, Alertmanager 0.28, the OpenTelemetry Collector 0.159."""

from monitoring.rules import Record
from monitoring.watched import Watched

LOST_LOGS = (
    "otelcol_exporter_send_failed_log_records",
    "otelcol_exporter_enqueue_failed_log_records",
)
"""The collector has these counters from the first failure on (exporterhelper 0.159)."""
REFUSED_LOGS = "otelcol_receiver_refused_log_records"
"""Records that its memory limiter turned away, each once. It has this counter from the first record on; the
limiter's own counts a record once for each pipeline."""


def records(_watched: Watched) -> list[Record]:
    """Its series."""
    told = ("alertmanager_notifications_failed_total", "prometheus_notifications_dropped_total")
    lost = (f"({_increase(metric, '15m')} or vector(0))" for metric in LOST_LOGS)
    return [
        Record("slm:scrape_up", "max by (job, instance) (up)"),
        Record("slm:rule_failures:increase5m", _increase("prometheus_rule_evaluation_failures_total", "5m")),
        Record(
            "slm:notification_failures:increase15m", " + ".join(_increase(metric, "15m") for metric in told)
        ),
        Record("slm:log_failures:increase15m", " + ".join(lost)),
        Record("slm:log_refusals:increase15m", _increase(REFUSED_LOGS, "15m")),
    ]


def _increase(metric: str, window: str) -> str:
    return f"sum(increase({metric}[{window}]))"
