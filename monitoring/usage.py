"""What the collector counts, read from the gateway's access log: attributes, set in the collector's OTTL.

monitoring/usage_counters.py sums them.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from monitoring.outcomes import Outcome
from monitoring.watched import Watched

GATEWAY = "gateway"
"""Name of the workload whose lines count."""
BIRTH_EVENT = "usage_start"
"""Field `event` of lines that are no requests: they let counters begin at 0."""
KEY_ID = "^[a-z][a-z0-9-]{0,31}$"
"""What a key id looks like. The gateway takes it from its list of keys, never from a client: the collector
needs no list, and a new key does not replace it."""
NO_KEY = "none"
"""Key id of a request without a key that is known."""
NO_MODEL = "unknown"
"""Model of a request that named none that is served: never what a client made up."""
OVERLOADED = ("queue_full", "model_starting", "overloaded")
"""Error codes of the gateway's queue and wake (components/gateway/refusals.py), with status 503."""
ENDPOINT_LIMITED = "endpoint_limited"
"""Error code of an endpoint outside that takes no more for now, with status 429."""


def counting(watched: Watched) -> Mapping[str, Any]:
    """Processors that leave of all records the gateway's access log, with what is counted as attributes."""
    ours = f'attributes["slm-kit.workload"] == "{GATEWAY}" and attributes["source"] == "stdout"'
    entry = 'IsMatch(body, "^\\\\{\\"(time|event)\\":.*\\\\}\\\\s*$")'
    statements = [
        "keep_keys(log.attributes, [])",
        'merge_maps(log.cache, ParseJSON(log.body), "upsert")',
        # A body that is no JSON after all gets no event: it counts as nothing.
        'set(log.attributes["event"], "request") where log.cache["status"] != nil',
        f'set(log.attributes["event"], "{BIRTH_EVENT}") where log.cache["event"] == "{BIRTH_EVENT}"',
        *_labels(watched),
        *_numbers(),
        *_money(watched),
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
    """Models out of a closed list, keys of the gateway's own: never what a client made up."""
    models = _one_of(model.name for model in watched.models)
    known = (
        ("key_id", KEY_ID, NO_KEY),
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
    # Embeddings come whole, whatever the request said of streams.
    streams = 'log.cache["stream"] == true and IsMatch(log.cache["path"], "^/v1/(chat/)?completions$")'
    yield f'set(log.attributes["streamed"], true) where {streams}'


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


def _money(watched: Watched) -> Iterable[str]:
    """USD at the price of the day: what a model costs that answered, also as a fallback."""
    for model in watched.models:
        if model.price is None:
            continue
        parts = (("prompt_tokens", model.price.prompt), ("completion_tokens", model.price.completion))
        # OTTL reads no 1e-05.
        cost = " + ".join(f'Double(log.attributes["{name}"]) * {usd:.9f}' for name, usd in parts)
        served = f'log.attributes["served_by"] == "{model.name}"'
        yield f'set(log.attributes["usd"], ({cost}) / 1000000.0) where {served}'


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
            f'log.cache["status"] == 429 and log.cache["error"] == "{ENDPOINT_LIMITED}"',
        ),
        (
            Outcome.OVERLOADED,
            f'log.cache["status"] == 503 and IsMatch(log.cache["error"], "{overloaded}")',
        ),
        (
            Outcome.FAILED,
            # Also behind its last event: a client sees an answer that broke off.
            'log.cache["status"] < 400 and IsMatch(log.cache["termination"], "^[^-LCc]")',
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


def _one_of(names: Iterable[str]) -> str:
    return f"^({'|'.join(re.escape(name).replace(chr(92), chr(92) * 2) for name in sorted(names)) or '-'})$"
