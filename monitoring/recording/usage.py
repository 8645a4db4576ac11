"""What the collector counts from the gateway's access log, by key id and model.

Totals first. A total is 0 from the first scrape on for each key and model it may use, up to MOST_BORN pairs:
a counter that begins at 1 has no rise that Prometheus could see. It is gone, not 0, while the collector
cannot be read: a counter that falls to 0 and comes back would be counted twice.
"""

from monitoring.outcomes import Outcome
from monitoring.recording.queries import number, rate, zeros
from monitoring.rules import Record
from monitoring.watched import Watched, WatchedModel

JOB = "usage"
EVERY_SECONDS = 15
"""Between two evaluations: what was scraped is recorded before the collector may be replaced."""
BY = "sum by (key_id, model)"
PROMPT, COMPLETION = "slm:usage_prompt_tokens:total", "slm:usage_completion_tokens:total"
REQUESTS = "slm:usage_requests:total"
MOST_BORN = 200
"""Pairs of key and model up to which a rule makes their zeros. Prometheus joins a chain of `or` in quadratic
time (measured: 0.1 s an evaluation for 200 pairs); with more, only the gateway's lines make them."""


def totals(watched: Watched) -> list[Record]:
    """Counters, in the order in which they need each other."""
    rows = [{"key_id": key.id, "model": model} for key in watched.keys for model in key.models]
    few = 0 < len(rows) <= MOST_BORN
    born = f' or ({zeros(rows)}) and on () up{{job="{JOB}"}} == 1' if few else ""
    prompt = f'{BY} (slm_prompt_tokens_total{{job="{JOB}"}})'
    return [
        Record(PROMPT, prompt + born),
        _total(COMPLETION, f'{BY} (slm_completion_tokens_total{{job="{JOB}"}})'),
        _total("slm:usage_seconds:total", f'{BY} (slm_request_milliseconds_total{{job="{JOB}"}}) / 1000'),
        *(_requests(outcome) for outcome in Outcome),
        *_money([model for model in watched.models if model.price]),
    ]


def _total(name: str, expr: str) -> Record:
    return Record(name, f"{expr} or 0 * {PROMPT}")


def _requests(outcome: Outcome) -> Record:
    counted = f'{BY} (slm_requests_total{{job="{JOB}",outcome="{outcome}"}})'
    return Record(REQUESTS, f"{counted} or 0 * {PROMPT}", {"outcome": outcome.value})


def _money(models: list[WatchedModel]) -> list[Record]:
    """What the collector counted, at the price of the day: a new price changes nothing that was spent."""
    if not models:
        return []
    none = " or ".join(f'0 * {PROMPT}{{model="{model.name}"}}' for model in models)
    return [
        Record("slm:usage_usd:total", f'{BY} (slm_usd_total{{job="{JOB}"}}) or {none}'),
        *(_price(model) for model in models),
    ]


def _price(model: WatchedModel) -> Record:
    price = model.price.completion if model.price else 0
    return Record(
        "slm:price_usd_per_million_completion_tokens", f"vector({number(price)})", {"model": model.name}
    )


def rates(watched: Watched) -> list[Record]:
    """By model, of the totals above. 0 where nothing was counted."""
    return [_served(watched), *(record for model in watched.models for record in _rates(model))]


def _served(watched: Watched) -> Record:
    """A model answers itself at least 0 times a second; a fallback shows once it answered."""
    names = [model.name for model in watched.models]
    counted = rate("slm_requests_total", ("model", "served_by"), job=JOB, outcome=Outcome.OK.value)
    itself = zeros([{"model": name, "served_by": name} for name in names])
    return Record("slm:served:rate5m", f"{counted} or {itself}")


def _rates(model: WatchedModel) -> list[Record]:
    name, promised = model.name, number(model.slo.first_token_seconds)
    of, labels = {"model": name}, {"model": name}
    held = rate("slm_held_requests_total", job=JOB, **of)
    first = rate("slm_first_byte_seconds_bucket", ("le",), job=JOB, **of)
    whole = rate("slm_request_seconds_bucket", ("le",), job=JOB, **of)
    infinite = {"le": "+Inf"}
    return [
        *(
            Record(
                "slm:requests:rate5m",
                f"{rate(REQUESTS, outcome=outcome.value, **of)} or vector(0)",
                {**labels, "outcome": outcome.value},
            )
            for outcome in Outcome
        ),
        Record("slm:prompt_tokens:rate5m", f"{rate(PROMPT, **of)} or vector(0)", labels),
        Record("slm:completion_tokens:rate5m", f"{rate(COMPLETION, **of)} or vector(0)", labels),
        Record("slm:held_requests:rate5m", f"{held} or vector(0)", labels),
        Record(
            "slm:time_to_first_token_seconds_bucket:rate5m",
            f"{first} or {zeros([{'le': promised}, infinite])}",
            labels,
        ),
        Record("slm:request_seconds_bucket:rate5m", f"{whole} or {zeros([infinite])}", labels),
    ]
