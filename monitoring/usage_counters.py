"""The counters and histograms that the collector makes of what monitoring/usage.py read."""

from collections.abc import Iterable, Mapping
from typing import Any

from monitoring.outcomes import Outcome
from monitoring.usage import BIRTH_EVENT, NO_MODEL
from monitoring.watched import Watched

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
"""Seconds; each model's promised time to first token is one more (`buckets`)."""
_BIRTH = f'attributes["event"] == "{BIRTH_EVENT}"'
_REQUEST = 'attributes["event"] == "request"'
_ANSWERED = 'attributes["outcome"] == "ok" and attributes["inference"] == true'
_STREAMED = 'attributes["outcome"] == "ok" and attributes["streamed"] == true'
_BY_KEY = ("key_id", "model", "served_by")


def buckets(watched: Watched) -> list[float]:
    """Upper bounds of both histograms, in seconds."""
    return sorted({*BUCKETS, *(model.slo.first_token_seconds for model in watched.models)})


def counters(watched: Watched) -> list[Mapping[str, Any]]:
    """Definitions of the counters and histograms; a birth adds 0 to what its combination could count."""
    bounds = buckets(watched)
    return [
        _sum("slm_requests_total", (*_BY_KEY, "outcome"), "1", _REQUEST),
        *(
            _sum("slm_requests_total", (*_BY_KEY, ("outcome", outcome.value)), "0", _BIRTH)
            for outcome in Outcome
        ),
        _sum("slm_prompt_tokens_total", _BY_KEY, 'attributes["prompt_tokens"]'),
        _sum("slm_completion_tokens_total", _BY_KEY, 'attributes["completion_tokens"]'),
        _sum("slm_request_milliseconds_total", _BY_KEY, 'attributes["total_ms"]'),
        *_spent(watched),
        _sum("slm_held_requests_total", ("model",), "1", f'{_REQUEST} and attributes["hold_ms"] > 0'),
        _sum("slm_held_requests_total", ("model",), "0", _BIRTH),
        _sum("slm_refusals_total", ("error",), "1", f'{_REQUEST} and attributes["error"] != nil'),
        _sum("slm_refusals_total", ("error",), "0", f'{_BIRTH} and attributes["error"] != nil'),
        # The first byte of a whole answer comes at its end: it tells nothing of a first token.
        *_histogram("slm_first_byte_seconds", "first_byte_ms", bounds, _STREAMED),
        *_histogram("slm_request_seconds", "total_ms", bounds, _ANSWERED),
    ]


def _spent(watched: Watched) -> Iterable[Mapping[str, Any]]:
    """By what was served by a model with a price; nothing where none has one."""
    if any(model.price for model in watched.models):
        yield _sum("slm_usd_total", _BY_KEY, 'attributes["usd"]', 'attributes["usd"] != nil')


def _histogram(
    name: str, milliseconds: str, bounds: list[float], condition: str
) -> Iterable[Mapping[str, Any]]:
    """Bucket by bucket: the connector's own histograms cannot begin at 0, so a first value is no increase."""
    born = f'{_BIRTH} and attributes["model"] != "{NO_MODEL}"'
    value = f'attributes["{milliseconds}"]'
    for bound in bounds:
        labels = ("model", ("le", f"{bound:.15g}"))
        yield _sum(f"{name}_bucket", labels, "1", f"{condition} and {value} <= {bound * 1000:.15g}")
        yield _sum(f"{name}_bucket", labels, "0", born)
    totals: tuple[tuple[str, tuple[str | tuple[str, str], ...], str], ...] = (
        ("bucket", ("model", ("le", "+Inf")), "1"),
        ("count", ("model",), "1"),
        ("sum", ("model",), f"{value} / 1000.0"),
    )
    for suffix, attributes, counted in totals:
        yield _sum(f"{name}_{suffix}", attributes, counted, condition)
        yield _sum(f"{name}_{suffix}", attributes, "0", born)


def _sum(
    name: str, attributes: Iterable[str | tuple[str, str]], value: str, condition: str | None = None
) -> Mapping[str, Any]:
    """A counter; an attribute with a value has that one."""
    definition: dict[str, Any] = {"name": name, "description": name}
    if condition:
        definition["conditions"] = [condition]
    definition["attributes"] = [
        {"key": each} if isinstance(each, str) else {"key": each[0], "default_value": each[1]}
        for each in attributes
    ]
    return definition | {"sum": {"value": f"Double({value})", "monotonic": True}}
