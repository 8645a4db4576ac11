"""Every metric of the server, in one place (Prometheus text format at ``/metrics``).

===================================  =========  ===================================================
name                                 type       meaning
===================================  =========  ===================================================
onnx_requests_total                  counter    requests by ``endpoint`` and ``outcome``: ok,
                                                refused (4xx), full, draining, cancelled, failed
onnx_requests_waiting                gauge      sequences that wait for a slot
onnx_requests_running                gauge      sequences that hold a slot
onnx_slots                           gauge      slots there are
onnx_kv_tokens                       gauge      tokens held in key/value memory
onnx_kv_usage_ratio                  gauge      the same, of what all slots could hold (0 to 1)
onnx_prompt_tokens_total             counter    prompt tokens of admitted sequences
onnx_generation_tokens_total         counter    tokens generated
onnx_queue_seconds                   histogram  submission to slot
onnx_time_to_first_token_seconds     histogram  submission to first token
onnx_inter_token_seconds             histogram  between two tokens of one answer
onnx_request_seconds                 histogram  submission to last token
onnx_engine_up                       gauge      1 while the engine thread lives
onnx_container_memory_bytes          gauge      memory that the kernel counts against the container's
                                                limit, without inactive page cache
onnx_container_memory_limit_bytes    gauge      that limit; no series without one
onnx_container_oom_kills_total       counter    processes of the container killed at that limit; with
                                                the server itself the container ends, so 0 as a rule
onnx_build_info                      gauge      1; labels version, model, onnxruntime
===================================  =========  ===================================================

Beside them ``process_*`` (memory, CPU, files, start) of prometheus_client. ``onnx_container_*`` are read
from the container's cgroup at each scrape; there are none where there is no cgroup (macOS).
"""

from collections.abc import Callable, Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from onnx_server import __version__, host
from onnx_server.core.engine import Engine
from onnx_server.core.ticket import Ticket

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OUTCOMES = ("ok", "refused", "full", "draining", "cancelled", "failed")
ENDPOINTS = ("chat", "completions")

_SHORT = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5)
_LONG = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160)


class ContainerCollector(Collector):
    """Memory of the container as it is at the scrape."""

    def __init__(self, read: Callable[[], host.ContainerMemory] = host.container_memory) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """The series that the kernel has a number for."""
        now = self._read()
        if now.used is not None:
            text = "Counted against the limit, without inactive page cache"
            yield GaugeMetricFamily("onnx_container_memory_bytes", text, now.used)
        if now.limit is not None:
            yield GaugeMetricFamily("onnx_container_memory_limit_bytes", "Limit of the container", now.limit)
        if now.oom_kills is not None:
            text = "Processes killed at the limit"
            yield CounterMetricFamily("onnx_container_oom_kills", text, now.oom_kills)


class Metrics:
    """The registry of one server."""

    def __init__(self, engine: Engine, *, model: str, runtime: str) -> None:
        # Without: one series more for each, of no use in queries. (The library leaves it untyped.)
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(ContainerCollector())
        self.requests = self._counter("onnx_requests", "Requests", ("endpoint", "outcome"))
        for endpoint in ENDPOINTS:
            for outcome in OUTCOMES:  # a rate needs the series to exist before its first event
                self.requests.labels(endpoint, outcome)
        self.prompt_tokens = self._counter("onnx_prompt_tokens", "Prompt tokens")
        self.generation_tokens = self._counter("onnx_generation_tokens", "Generated tokens")
        self.queue = self._histogram("onnx_queue_seconds", "Submission to slot", _LONG)
        self.first_token = self._histogram(
            "onnx_time_to_first_token_seconds", "Submission to first token", _LONG
        )
        self.inter_token = self._histogram(
            "onnx_inter_token_seconds", "Between two tokens of one answer", _SHORT
        )
        self.whole = self._histogram("onnx_request_seconds", "Submission to last token", _LONG)
        self._watch(engine)
        info = Gauge("onnx_build_info", "Build", ("version", "model", "onnxruntime"), registry=self._registry)
        info.labels(__version__, model, runtime).set(1)

    def text(self) -> bytes:
        """What Prometheus scrapes."""
        return generate_latest(self._registry)

    def ended(self, ticket: Ticket) -> None:
        """Record one sequence that ended, however it did."""
        self.whole.observe(ticket.finished_at - ticket.submitted_at)
        if ticket.admitted_at:
            self.prompt_tokens.inc(len(ticket.request.prompt))
            self.queue.observe(ticket.admitted_at - ticket.submitted_at)
        if ticket.first_token_at:
            self.first_token.observe(ticket.first_token_at - ticket.submitted_at)

    def _watch(self, engine: Engine) -> None:
        self._gauge("onnx_requests_waiting", "Wait for a slot", lambda: engine.stats().waiting)
        self._gauge("onnx_requests_running", "Hold a slot", lambda: engine.stats().running)
        self._gauge("onnx_slots", "Slots", lambda: engine.stats().slots)
        self._gauge("onnx_kv_tokens", "Tokens in KV memory", lambda: engine.stats().kv_tokens)
        self._gauge("onnx_kv_usage_ratio", "KV memory in use", lambda: engine.stats().kv_usage)
        self._gauge("onnx_engine_up", "Engine thread lives", lambda: engine.alive)

    def _counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, text, buckets=buckets, registry=self._registry)

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(name, text, registry=self._registry).set_function(value)
