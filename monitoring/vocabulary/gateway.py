"""What the gateway says: the same for every engine and for endpoints outside."""

from monitoring.vocabulary.series import BURN_WINDOWS, For, Series

_M = ("model",)
SERIES: tuple[Series, ...] = (
    Series(
        "slm:requests:rate5m", ("model", "outcome"), "reqps", "requests by outcome (monitoring/outcomes.py)"
    ),
    Series(
        "slm:time_to_first_token_seconds_bucket:rate5m",
        ("model", "le"),
        "s",
        "arrival of the whole request at the gateway to first byte of a streamed answer",
    ),
    Series("slm:request_seconds_bucket:rate5m", ("model", "le"), "s", "arrival at the gateway to last byte"),
    Series("slm:prompt_tokens:rate5m", _M, "short", "tokens read a second"),
    Series("slm:completion_tokens:rate5m", _M, "short", "tokens written a second"),
    Series("slm:requests_queued", _M, "short", "requests that wait at the gateway"),
    Series("slm:requests_running", _M, "short", "requests that the gateway has handed on"),
    Series(
        "slm:demand",
        _M,
        "short",
        "requests at the gateway for a model, waiting ones and held ones too; what scaling looks at",
    ),
    Series(
        "slm:arrivals:rate2m",
        _M,
        "reqps",
        "requests that came for a model with a key for it, held and refused ones too; what wakes it",
    ),
    Series("slm:queue_limit", _M, "short", "requests that may wait at the gateway"),
    Series("slm:replicas", _M, "short", "engines that the gateway can hand requests to"),
    Series(
        "slm:served:rate5m", ("model", "served_by"), "reqps", "answers by who gave them: it, or its fallback"
    ),
    Series("slm:held_requests:rate5m", _M, "reqps", "requests that waited for a model without a replica"),
    *(
        series
        for window in BURN_WINDOWS
        for series in (
            Series(
                f"slm:request_errors:ratio_rate{window}",
                _M,
                "percentunit",
                "share of requests that were not answered; 0 where there were none",
            ),
            Series(
                f"slm:slow_first_token:ratio_rate{window}",
                _M,
                "percentunit",
                "share of answers whose first token came later than promised; 0 where there were none",
            ),
        )
    ),
    Series("slm:slo_availability:ratio", _M, "percentunit", "promised share of answered requests"),
    Series(
        "slm:slo_first_token:ratio", _M, "percentunit", "promised share of answers with a first token in time"
    ),
    Series("slm:slo_first_token_seconds", _M, "s", "promised time to first token"),
    Series("slm:gateway_up", (), "bool", "1 while the gateway's metrics can be read", For.STACK),
    Series("slm:gateway_connections", (), "short", "clients connected", For.STACK),
    Series("slm:gateway_connections_limit", (), "short", "clients that can be", For.STACK),
    Series(
        "slm:gateway_refusals:rate5m",
        ("error",),
        "reqps",
        "requests refused by the gateway, by error code",
        For.STACK,
    ),
)
