"""HAProxy 3.0's own metrics: one backend a model, named after it.

The same for every engine and for endpoints outside. Its refusals are counted from its log, and its
certificate it tells of itself.
"""

from monitoring.recording.queries import constant, selector, summed, zeros
from monitoring.rules import Record
from monitoring.watched import Watched

JOB = "gateway"
SHOWN_ERRORS = ("queue_full", "model_starting", "overloaded", "engine_failed", "rate_limit_exceeded")
"""Error codes (components/gateway/refusals.py) that have a series before the first of them was sent: those
that tell of too little capacity. The others come with their first refusal."""


def records(watched: Watched) -> list[Record]:
    """Its series."""
    public = {"job": JOB, "proxy": "_public"}
    refused = 'sum by (error) (rate(slm_refusals_total{job="usage"}[5m]))'
    none = zeros({"error": error} for error in SHOWN_ERRORS)
    return [
        Record("slm:gateway_up", f'max(up{{job="{JOB}"}})'),
        Record("slm:gateway_connections", summed("haproxy_frontend_current_sessions", **public)),
        Record("slm:gateway_connections_limit", summed("haproxy_frontend_limit_sessions", **public)),
        Record("slm:gateway_refusals:rate5m", f"{refused} or {none}"),
        *(record for model in watched.models for record in _model(model.name, model.max_queue)),
        *(_certificate() if watched.own_certificate else ()),
    ]


def _certificate() -> list[Record]:
    """Its end, and how long it is valid in all (docker/gateway/lua/certificate.lua)."""
    begin, end = (
        f'min(slm_gateway_certificate_{edge}_timestamp_seconds{{job="certificate"}})'
        for edge in ("not_before", "not_after")
    )
    return [
        Record("slm:gateway_certificate_expiry_timestamp_seconds", end),
        Record("slm:gateway_certificate_validity_seconds", f"{end} - {begin}"),
    ]


def _model(name: str, max_queue: int) -> list[Record]:
    of = {"job": JOB, "proxy": name}
    sessions = selector("haproxy_backend_current_sessions", **of)
    queue = selector("haproxy_backend_current_queue", **of)
    servers = selector("haproxy_backend_active_servers", **of)
    # Without a server nothing is in HAProxy's queue: the gateway holds each request until there is one.
    waiting = f"sum({queue} + {sessions} * ({servers} == bool 0))"
    arrived = selector("haproxy_backend_http_requests_total", **of)
    labels = {"model": name}
    return [
        Record("slm:demand", f"sum({sessions})", labels),
        Record("slm:arrivals:rate2m", f"sum(rate({arrived}[2m]))", labels),
        Record("slm:requests_queued", waiting, labels),
        Record("slm:requests_running", summed("haproxy_server_current_sessions", **of), labels),
        Record("slm:replicas", f"sum({servers})", labels),
        constant("slm:queue_limit", max_queue, model=name),
    ]
