"""Prometheus: whom it asks, what it records, whom it tells."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from monitoring import rules
from monitoring.alerts import alerts_of
from monitoring.alerts.making import RUNBOOKS
from monitoring.recording import rules_of
from monitoring.replicas import addresses, replicas
from monitoring.watched import ADDRESSES, LOGIN, PASSWORD_FILE, Watched, WatchedModel

INTERVAL = "15s"
"""Between two scrapes."""
TIMEOUT = "10s"
EVALUATION = "30s"
"""Between two evaluations of the rules: they cost more than scrapes; no alert waits less than a minute."""
SAMPLES = 20_000
LIMITS = {"sample_limit": SAMPLES, "body_size_limit": "8MB"}
"""Of one scrape: a source that goes wild is refused and does not fill the disk. HAProxy has about 100 series
a model and 80 a replica, vLLM 0.32 about 500. `usage` has limits of its own, by its keys and models."""
_OURS = {"source_labels": ["__name__"], "regex": "slm:.*|ALERTS.*", "action": "drop"}
"""Names of recorded series and of alerts are Prometheus' own: no target may send one and quieten an alert."""
_SAMPLES_A_PAIR = 40
"""Twice what one key and model have: six outcomes and four sums, each by the models that can answer."""
_BYTES_A_SAMPLE = 400
"""More than its line with the longest names has."""


def render(watched: Watched, runbooks: str = RUNBOOKS) -> dict[str, str]:
    """File name -> content, for one folder. `web.yml`, with the hash of its password, is not among them.

    `runbooks` is where alerts say that theirs are: a folder, or the address that serves it.
    """
    return {
        "prometheus.yml": yaml.safe_dump(_config(watched), sort_keys=False),
        "recording.yml": rules.render(rules_of(watched)),
        "alerts.yml": rules.render(alerts_of(watched, runbooks)),
    }


def _config(watched: Watched) -> dict[str, Any]:
    return {
        "global": {
            "scrape_interval": INTERVAL,
            "scrape_timeout": TIMEOUT,
            "evaluation_interval": EVALUATION,
            "external_labels": {"stack": watched.stack},
            **LIMITS,
        },
        "rule_files": ["recording.yml", "alerts.yml"],
        "alerting": {"alertmanagers": [_behind_login(ADDRESSES.alertmanager)]},
        "scrape_configs": list(_jobs(watched)),
    }


def _jobs(watched: Watched) -> Sequence[dict[str, Any]]:
    return [
        _job("gateway", _targets(ADDRESSES.gateway)),
        *([_job("certificate", _certificate())] if watched.own_certificate else []),
        *([_job("engine", _engines(watched))] if watched.engines else []),
        _job("usage", {**_usage_limits(watched), **_targets(ADDRESSES.usage)}),
        *([] if watched.cluster else [_job("node", _targets(ADDRESSES.node))]),
        *([_job("gpu", _gpus(watched))] if watched.gpus else []),
        _job("prometheus", _behind_login(ADDRESSES.prometheus)),
        _job("alertmanager", _behind_login(ADDRESSES.alertmanager)),
        _job("loki", _targets(ADDRESSES.loki)),
        _job("collector", _targets(ADDRESSES.collector)),
    ]


def _certificate() -> dict[str, Any]:
    return {"metrics_path": "/certificate", **_targets(ADDRESSES.gateway)}


def _usage_limits(watched: Watched) -> dict[str, Any]:
    """As LIMITS; a stack with many keys is none that goes wild."""
    samples = max(SAMPLES, _SAMPLES_A_PAIR * len(watched.keys) * len(watched.models))
    return {
        "sample_limit": samples,
        "body_size_limit": f"{math.ceil(samples * _BYTES_A_SAMPLE / 2**20)}MB",
    }


def _engines(watched: Watched) -> dict[str, Any]:
    if watched.cluster:
        return replicas(watched.engines, INTERVAL)
    return {"static_configs": [_engine(model) for model in watched.engines]}


def _gpus(watched: Watched) -> dict[str, Any]:
    if watched.cluster is None or watched.cluster.gpu_exporter is None:
        return _targets(ADDRESSES.gpu)
    return addresses(watched.cluster.gpu_exporter, int(ADDRESSES.gpu.rpartition(":")[2]), INTERVAL)


def _engine(model: WatchedModel) -> dict[str, Any]:
    """Its labels win over those it sends: vLLM's own `engine` becomes `exported_engine`."""
    engine = model.engine
    if engine is None:
        return {}
    return {
        "targets": [f"{model.alias}:{engine.port}"],
        "labels": {
            "model": model.name,
            "engine": model.engine_name,
            "__metrics_path__": engine.metrics_path,
        },
    }


def _targets(address: str) -> dict[str, Any]:
    return {"static_configs": [{"targets": [address]}]}


def _behind_login(address: str) -> dict[str, Any]:
    return {"basic_auth": {"username": LOGIN, "password_file": PASSWORD_FILE}, **_targets(address)}


def _job(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"job_name": name, **settings, "metric_relabel_configs": [_OURS]}
