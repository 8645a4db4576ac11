"""Usage, by key id. Counters: ask for increase() over the time of interest."""

from monitoring.vocabulary.series import For, Series

_M = ("model",)
SERIES: tuple[Series, ...] = (
    Series(
        "slm:usage_requests:total", ("key_id", "model", "outcome"), "short", "requests since counting began"
    ),
    Series("slm:usage_prompt_tokens:total", ("key_id", "model"), "short", "tokens read since counting began"),
    Series(
        "slm:usage_completion_tokens:total",
        ("key_id", "model"),
        "short",
        "tokens written since counting began",
    ),
    Series(
        "slm:usage_seconds:total", ("key_id", "model"), "s", "time that requests took since counting began"
    ),
    Series("slm:usage_usd:total", ("key_id", "model"), "currencyUSD", "what those tokens cost", For.PRICE),
    Series("slm:price_usd_per_million_completion_tokens", _M, "currencyUSD", "", For.PRICE),
)
