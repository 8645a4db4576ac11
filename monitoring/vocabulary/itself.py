"""Monitoring itself."""

from monitoring.vocabulary.series import For, Series

SERIES: tuple[Series, ...] = (
    Series("slm:scrape_up", ("job", "instance"), "bool", "1 where metrics can be read", For.STACK),
    Series("slm:rule_failures:increase5m", (), "short", "rules that could not be evaluated", For.STACK),
    Series("slm:notification_failures:increase15m", (), "short", "alerts that no receiver took", For.STACK),
    Series(
        "slm:log_failures:increase15m",
        (),
        "short",
        "log records that the collector could not hand on",
        For.STACK,
    ),
    Series(
        "slm:log_refusals:increase15m",
        (),
        "short",
        "log records that the collector refused: neither kept nor counted as usage",
        For.STACK,
    ),
)
