"""What there are several of on a cluster as Prometheus finds it: by DNS, each ready pod a target of its own.

A model without a replica has no target, so that one that sleeps is no scrape that fails.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from monitoring.watched import WatchedModel

_NAME = "__meta_dns_name"


def replicas(models: Sequence[WatchedModel], interval: str) -> dict[str, Any]:
    """Discovery of the models' engines, asked for each `interval`, and the labels of what it finds.

    These labels win over those an engine sends, as with targets that are listed.
    """
    return {
        "dns_sd_configs": [
            found
            for model in models
            if model.engine
            for found in addresses(str(model.address), model.engine.port, interval)["dns_sd_configs"]
        ],
        "relabel_configs": [rule for model in models for rule in _labels(model)],
    }


def addresses(name: str, port: int, interval: str) -> dict[str, Any]:
    """Discovery of each address of a full DNS name, asked for each `interval`."""
    return {
        "dns_sd_configs": [{"names": [_whole(name)], "type": "A", "port": port, "refresh_interval": interval}]
    }


def _whole(name: str) -> str:
    """Ends with a point: no search domain is tried."""
    return f"{name}."


def _labels(model: WatchedModel) -> Iterable[dict[str, str | list[str]]]:
    if model.engine is None:
        return
    found = {
        "model": model.name,
        "engine": model.engine_name,
        "__metrics_path__": model.engine.metrics_path,
    }
    for label, value in found.items():
        yield {
            "source_labels": [_NAME],
            "regex": _whole(str(model.address)).replace(".", "[.]"),
            "target_label": label,
            "replacement": value,
        }
