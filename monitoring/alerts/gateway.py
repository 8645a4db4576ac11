"""The one way in: down, or full."""

from monitoring.alerts.making import Dashboard, Severity, alert, where
from monitoring.rules import Alert, Group
from monitoring.watched import Watched

NEARLY_FULL = 0.9
"""Share of a queue or of connections at which new ones are about to be turned away. Below 1, as a full queue
that is drained as fast as it fills is seldom seen full."""


def groups(watched: Watched) -> list[Group]:
    """The same for every stack, but queues need models."""
    queues = [_queue_full()] if watched.models else []
    return [Group("alerts-gateway", [_down(watched), _connections(), *queues])]


def _down(watched: Watched) -> Alert:
    return alert(
        "GatewayDown",
        "slm:gateway_up == 0",
        Severity.PAGE,
        Dashboard.GATEWAY,
        for_="1m",
        summary="The gateway does not answer: no model can be reached",
        first=where(
            watched,
            "Run `make logs`; `make up` starts it anew.",
            "Run `KUBECTL describe pods -l slm-kit.workload=gateway` and `make logs`; `make up` puts back "
            "what is missing.",
        ),
    )


def _connections() -> Alert:
    return alert(
        "GatewayConnectionsNearLimit",
        f"slm:gateway_connections / slm:gateway_connections_limit > {NEARLY_FULL}",
        Severity.PAGE,
        Dashboard.GATEWAY,
        for_="2m",
        summary="{{ $value | humanizePercentage }} of the connections that the gateway can serve are taken; "
        "further clients wait without an answer",
        first="Look which key sends so much (dashboard Usage), and whether answers take longer than usual.",
    )


def _queue_full() -> Alert:
    return alert(
        "ModelQueueFull",
        f"slm:requests_queued / on (model) slm:queue_limit >= {NEARLY_FULL}",
        Severity.PAGE,
        Dashboard.MODEL,
        for_="2m",
        summary="{{ $labels.model }}: {{ $value | humanizePercentage }} of its queue is taken; "
        "further requests are refused with 503",
        first="Look whether its engine is slower than usual, or more is asked than usual (dashboard Model).",
    )
