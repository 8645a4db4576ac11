"""Alertmanager's configuration: who is told of what, how often, and which alert hides which."""

from collections.abc import Sequence
from typing import Any

import yaml

from catalog.errors import KitError
from monitoring.alerts.making import Severity, any_of
from monitoring.alerts.watching import WATCHDOG
from monitoring.receivers import TITLE, DeadMansSwitch, Receiver
from monitoring.watched import Watched

NOBODY = "shown"
"""Receiver of what is only shown on Alertmanager's page."""
_INTERVAL = {Severity.PAGE: "1m", Severity.TICKET: "5m"}
"""How soon it is told that a group grew, or is over."""
_REPEAT = {Severity.PAGE: "4h", Severity.TICKET: "3d"}
"""How often a receiver is told again of what still fires."""
_WAIT = {Severity.PAGE: "15s", Severity.TICKET: "5m"}
"""How long the first notification waits for alerts of the same group, and for what would hide it."""

_PROMISES = ("AvailabilityBudgetBurn", "FirstTokenBudgetBurn")
_WAITING = (*_PROMISES, "ModelQueueFull", "WakeWithoutReplica")
_NOT_THERE = ("EngineDown", "EngineStartingTooLong", "EngineRestarting")
_OF_ENGINE = (
    *_WAITING,
    "EngineStartingTooLong",
    "EngineRestarting",
    "KvCacheSaturated",
    "EngineMemoryNearLimit",
)
_SAME_THING = ("alertname", "model", "gpu", "certificate", "volume", "key_id", "job", "instance")
"""What two alerts about one thing share; a label that both lack is equal."""


def render(watched: Watched, receivers: Sequence[Receiver]) -> str:
    """alertmanager.yml. Without receivers alerts are only shown. Raises KitError for a name given twice."""
    _check_names(receivers)
    title = f"{watched.stack}: {TITLE}"
    config = {
        "route": _route(receivers),
        "receivers": [
            {"name": NOBODY},
            *({"name": receiver.name, **receiver.config(title)} for receiver in receivers),
        ],
        "inhibit_rules": [*_inhibitions(), *_of_adapters(watched)],
    }
    return yaml.safe_dump(config, sort_keys=False, width=10_000, allow_unicode=True)


def _check_names(receivers: Sequence[Receiver]) -> None:
    names = [NOBODY, *(receiver.name for receiver in receivers)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        limit = "is taken" if twice[0] == NOBODY else "is listed twice"
        raise KitError(f"alert receiver {twice[0]!r}", limit, "Give each receiver a name of its own.")


def _route(receivers: Sequence[Receiver]) -> dict[str, Any]:
    severities = (Severity.PAGE, Severity.TICKET)
    return {
        "receiver": NOBODY,
        "group_by": ["alertname", "model"],
        "routes": [_of_watchdog(receivers), *(_of_severity(severity, receivers) for severity in severities)],
    }


def _of_watchdog(receivers: Sequence[Receiver]) -> dict[str, Any]:
    calls = [
        {
            "receiver": receiver.name,
            "continue": True,
            "group_wait": "0s",
            "group_interval": f"{receiver.interval_minutes}m",
            # A little less than the interval: it is looked at when that ends.
            "repeat_interval": f"{receiver.interval_minutes * 60 - 10}s",
        }
        for receiver in receivers
        if isinstance(receiver, DeadMansSwitch)
    ]
    return {"matchers": [f'alertname="{WATCHDOG}"'], "receiver": NOBODY, "routes": calls}


def _of_severity(severity: Severity, receivers: Sequence[Receiver]) -> dict[str, Any]:
    told = [receiver.name for receiver in receivers if severity in receiver.severities]
    return {
        "matchers": [f'severity="{severity}"'],
        "receiver": NOBODY,
        "group_wait": _WAIT[severity],
        "group_interval": _INTERVAL[severity],
        "repeat_interval": _REPEAT[severity],
        "routes": [{"receiver": name, "continue": True} for name in told],
    }


def _inhibitions() -> list[dict[str, Any]]:
    """One cause pages once."""
    return [
        # Of one thing, the worse is told.
        {
            "source_matchers": [f'severity="{Severity.PAGE}"'],
            "target_matchers": [f'severity="{Severity.TICKET}"'],
            "equal": list(_SAME_THING),
        },
        # Readiness, queue and outcomes are the gateway's.
        _hides("GatewayDown", *_WAITING, "EngineStartingTooLong", "EndpointDown"),
        {
            "source_matchers": ['alertname="GatewayDown"'],
            "target_matchers": ['alertname="ScrapeMissing"', 'job="certificate"'],
        },
        _hides("EngineDown", *_OF_ENGINE, equal=("model",)),
        _hides("EngineRestarting", *_WAITING, "EngineStartingTooLong", equal=("model",)),
        _hides("EngineStartingTooLong", *_WAITING, equal=("model",)),
        _hides("WakeWithoutReplica", *_PROMISES, "ModelQueueFull", equal=("model",)),
        _hides("EndpointDown", *_PROMISES, "ModelQueueFull", equal=("model",)),
        _hides("ModelQueueFull", *_PROMISES, equal=("model",)),
        # Who is not answered does not wait for a first token either.
        _hides("AvailabilityBudgetBurn", "FirstTokenBudgetBurn", equal=("model",)),
        _hides("DiskFull", "ModelStoreNearlyFull", "DiskNearlyFull", "RuleFailing", "LogsFailing"),
        # Often the same disk; its runbook looks at all volumes.
        _hides("ModelStoreNearlyFull", "DiskNearlyFull"),
        {
            "source_matchers": ['alertname="ScrapeMissing"', 'job=~"collector|loki"'],
            "target_matchers": ['alertname="LogsFailing"'],
        },
    ]


def _of_adapters(watched: Watched) -> list[dict[str, Any]]:
    """What one engine serves under other names is hidden with the engine."""
    rules = []
    for base in watched.engines:
        others = [model.name for model in watched.models if model.alias == base.alias and model is not base]
        if others:
            rules.append(
                {
                    "source_matchers": [_alerts(*_NOT_THERE), f'model="{base.name}"'],
                    "target_matchers": [_alerts(*_WAITING), f'model=~"{any_of(others)}"'],
                }
            )
    return rules


def _hides(source: str, *targets: str, equal: Sequence[str] = ()) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "source_matchers": [f'alertname="{source}"'],
        "target_matchers": [_alerts(*targets)],
    }
    return {**rule, "equal": list(equal)} if equal else rule


def _alerts(*names: str) -> str:
    return f'alertname=~"{any_of(names)}"'
