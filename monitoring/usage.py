"""How the collector counts usage: the gateway's access log as metrics, in the collector's OTTL."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from monitoring.outcomes import Outcome
from monitoring.watched import Watched

BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
"""Seconds; each model's promised time to first token is one more (`buckets`)."""
GATEWAY = "gateway"
"""Name of the workload whose lines count."""
NO_KEY = "none"
NO_MODEL = "unknown"
OVERLOADED = ("queue_full", "model_starting", "overloaded")
"""Error codes of the gateway's queue and wake (components/gateway/refusals.py)."""
_BIRTH = 'attributes["event"] == "usage_start"'
_REQUEST = 'attributes["event"] == "request"'
_ANSWERED = 'attributes["outcome"] == "ok" and attributes["inference"] == true'
_BY_KEY = ("key_id", "model", "served_by")


def buckets(watched: Watched) -> list[float]:
    """Upper bounds of both histograms, in seconds."""
    return sorted({*BUCKETS, *(model.slo.first_token_seconds for model in watched.models)})


def counting(watched: Watched) -> Mapping[str, Any]:
    """Processors that leave of all records the gateway's access log, with what is counted as attributes."""
    ours = f'attributes["slm-kit.workload"] == "{GATEWAY}" and attributes["source"] == "stdout"'
    entry = 'IsMatch(body, "^\\\\{\\"(time|event)\\":.*\\\\}\\\\s*$")'
    statements = [
        "keep_keys(log.attributes, [])",
        'merge_maps(log.cache, ParseJSON(log.body), "upsert")',
        # A body that is no JSON after all gets no event: it counts as nothing.
        'set(log.attributes["event"], "request") where log.cache["status"] != nil',
        'set(log.attributes["event"], "usage_start") where log.cache["event"] == "usage_start"',
        *_labels(watched),
        *_numbers(),
        *_outcome(),
    ]
    return {
        "filter/access_log": {"error_mode": "silent", "logs": {"log_record": [f"not ({ours} and {entry})"]}},
        "transform/usage": {
            "error_mode": "silent",
            "log_statements": [{"context": "log", "statements": statements}],
        },
    }


def _labels(watched: Watched) -> Iterable[str]:
    """Names out of closed lists only: never what a client made up."""
    models = _one_of(model.name for model in watched.models)
    known = (
        ("key_id", _one_of(key.id for key in watched.keys), NO_KEY),
        ("model", models, NO_MODEL),
        ("served_by", models, NO_MODEL),
    )
    for name, pattern, other in known:
        given = f'log.cache["{name}"]'
        yield f'set(log.attributes["{name}"], "{other}")'
        yield f'set(log.attributes["{name}"], {given}) where IsMatch({given}, "{pattern}")'
    error = 'log.cache["error"]'
    yield f'set(log.attributes["error"], {error}) where IsMatch({error}, "^[a-z_]{{1,64}}$")'
    inference = "^/v1/(chat/completions|completions|embeddings)$"
    yield f'set(log.attributes["inference"], IsMatch(log.cache["path"], "{inference}"))'


def _numbers() -> Iterable[str]:
    """-1 is not known: nothing to add. A stream that ended before it told its tokens had one an event."""
    names = ("prompt_tokens", "completion_tokens", "total_ms", "first_byte_ms", "hold_ms")
    for name in names:
        yield f'set(log.attributes["{name}"], 0)'
        yield f'set(log.attributes["{name}"], Int(log.cache["{name}"])) where log.cache["{name}"] > 0'
    yield (
        'set(log.attributes["completion_tokens"], Int(log.cache["events"])) '
        'where log.cache["completion_tokens"] < 0 and log.cache["events"] > 0'
    )


def _outcome() -> Iterable[str]:
    """As monitoring/outcomes.py says; later statements have the last word.

    Termination is HAProxy's, its first letter who ended the request: `-` nobody, `L` the gateway itself,
    `C` the client, `c` a client that stalled.
    """
    overloaded = _one_of(OVERLOADED)
    for outcome, condition in (
        (Outcome.FAILED, "true"),
        (Outcome.OK, 'log.cache["status"] >= 100 and log.cache["status"] < 400'),
        (Outcome.REFUSED, 'log.cache["status"] >= 400 and log.cache["status"] < 500'),
        (Outcome.LIMITED, 'log.cache["status"] == 429'),
        (
            Outcome.OVERLOADED,
            f'log.cache["status"] == 503 and IsMatch(log.cache["error"], "{overloaded}")',
        ),
        (
            Outcome.FAILED,
            'log.cache["status"] < 400 and log.cache["ended"] != true'
            ' and IsMatch(log.cache["termination"], "^[^-LCc]")',
        ),
        (Outcome.CANCELLED, 'log.cache["ended"] != true and IsMatch(log.cache["termination"], "^C")'),
        (
            Outcome.CANCELLED,
            'log.cache["ended"] != true and log.cache["status"] < 400'
            ' and IsMatch(log.cache["termination"], "^c")',
        ),
        (Outcome.CANCELLED, 'log.cache["status"] == 499'),
    ):
        yield (
            f'set(log.attributes["outcome"], "{outcome}")'
            f' where log.attributes["event"] == "request" and {condition}'
        )


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
        _sum("slm_held_requests_total", ("model",), "1", f'{_REQUEST} and attributes["hold_ms"] > 0'),
        _sum("slm_held_requests_total", ("model",), "0", _BIRTH),
        _sum("slm_refusals_total", ("error",), "1", f'{_REQUEST} and attributes["error"] != nil'),
        _sum("slm_refusals_total", ("error",), "0", f'{_BIRTH} and attributes["error"] != nil'),
        *_histogram("slm_first_byte_seconds", "first_byte_ms", bounds),
        *_histogram("slm_request_seconds", "total_ms", bounds),
    ]


def _histogram(name: str, milliseconds: str, bounds: list[float]) -> Iterable[Mapping[str, Any]]:
    """Bucket by bucket: the connector's own histograms cannot begin at 0, so a first value is no increase."""
    born = f'{_BIRTH} and attributes["model"] != "{NO_MODEL}"'
    value = f'attributes["{milliseconds}"]'
    for bound in bounds:
        labels = ("model", ("le", f"{bound:.15g}"))
        yield _sum(f"{name}_bucket", labels, "1", f"{_ANSWERED} and {value} <= {bound * 1000:.15g}")
        yield _sum(f"{name}_bucket", labels, "0", born)
    totals: tuple[tuple[str, tuple[str | tuple[str, str], ...], str], ...] = (
        ("bucket", ("model", ("le", "+Inf")), "1"),
        ("count", ("model",), "1"),
        ("sum", ("model",), f"{value} / 1000.0"),
    )
    for suffix, attributes, counted in totals:
        yield _sum(f"{name}_{suffix}", attributes, counted, _ANSWERED)
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


def _one_of(names: Iterable[str]) -> str:
    return f"^({'|'.join(re.escape(name).replace(chr(92), chr(92) * 2) for name in sorted(names)) or '-'})$"
