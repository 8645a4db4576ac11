"""What ends on a known day."""

from monitoring.alerts.making import Dashboard, Severity, alert
from monitoring.rules import Alert, Group
from monitoring.watched import Watched

DAY = 86_400
CERTIFICATE_DAYS, CERTIFICATE_LAST_DAYS = 21, 3
"""Three weeks to have a new one signed; three days before the end it may not wait for Monday."""
KEY_DAYS = 14


def groups(watched: Watched) -> list[Group]:
    """For certificates and keys that end."""
    rules: list[Alert] = []
    if watched.certificates:
        rules += [
            _certificate(CERTIFICATE_LAST_DAYS, Severity.PAGE),
            _certificate(CERTIFICATE_DAYS, Severity.TICKET),
        ]
    if any(key.expires for key in watched.keys):
        rules.append(_key())
    return [Group("alerts-expiry", rules)]


def _certificate(days: int, severity: Severity) -> Alert:
    return alert(
        "CertificateExpires",
        f"slm:certificate_expiry_timestamp_seconds - time() < {days * DAY}",
        severity,
        Dashboard.GATEWAY,
        summary="Certificate {{ $labels.certificate }} ends in {{ $value | humanizeDuration }}",
        first="Have a new one signed and put it in the place of the old; then `make up`.",
    )


def _key() -> Alert:
    return alert(
        "KeyExpires",
        f"slm:key_expiry_timestamp_seconds - time() < {KEY_DAYS * DAY}",
        Severity.TICKET,
        Dashboard.USAGE,
        summary="Key {{ $labels.key_id }} ends in {{ $value | humanizeDuration }}",
        first="Ask its owner whether it is still needed; renew or remove it.",
    )
