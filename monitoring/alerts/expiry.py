"""What ends on a known day."""

from monitoring.alerts.making import Dashboard, Severity, alert
from monitoring.rules import Alert, Group
from monitoring.watched import Watched

DAY = 86_400
CERTIFICATE_DAYS = 21
"""Three weeks to have a new one signed. Nobody is woken: authorities may come from a whole bundle of roots,
and a root is not renewed at night."""
OWN_DAYS = 21
OWN_PART = 6
"""The gateway's own is told in the last sixth of its time, at most in those days: cert-manager renews where
a third is left, whether a certificate is for a year, 45 days or six."""
KEY_DAYS = 14
_CERTIFICATE_END, _KEY_END = "slm:certificate_expiry_timestamp_seconds", "slm:key_expiry_timestamp_seconds"
_OWN_END, _OWN_TIME = (
    "slm:gateway_certificate_expiry_timestamp_seconds",
    "slm:gateway_certificate_validity_seconds",
)


def groups(watched: Watched) -> list[Group]:
    """For certificates and keys that end."""
    rules: list[Alert] = []
    if watched.certificates:
        rules += [_certificate(ended=False), _certificate(ended=True)]
    if watched.own_certificate:
        rules += [_own(ended=False), _own(ended=True)]
    if any(key.expires for key in watched.keys):
        rules += [_key(ended=False), _key(ended=True)]
    return [Group("alerts-expiry", rules)]


def _certificate(*, ended: bool) -> Alert:
    return alert(
        "CertificateExpires",
        _over(_CERTIFICATE_END) if ended else _near(_CERTIFICATE_END, CERTIFICATE_DAYS),
        Severity.TICKET,
        Dashboard.GATEWAY,
        labels=_label(ended),
        summary=f"Certificate {{{{ $labels.certificate }}}} {_when(ended)}",
        first="Have a new one signed and put it in the place of the old; then `make up`.",
    )


def _own(*, ended: bool) -> Alert:
    soon = f"{_near(_OWN_END, OWN_DAYS)} < {_OWN_TIME} / {OWN_PART}"
    return alert(
        "GatewayCertificateExpires",
        _over(_OWN_END) if ended else soon,
        Severity.PAGE if ended else Severity.TICKET,
        Dashboard.GATEWAY,
        labels=_label(ended),
        summary=f"The certificate that the gateway shows its clients {_when(ended)}",
        first="Renew it, or find out why it was not: the gateway's log says whether a new one was refused.",
    )


def _key(*, ended: bool) -> Alert:
    ago = "ended {{ $value | humanizeDuration }} ago and is still listed"
    return alert(
        "KeyExpires",
        _over(_KEY_END) if ended else _near(_KEY_END, KEY_DAYS),
        Severity.TICKET,
        Dashboard.USAGE,
        labels=_label(ended),
        summary=f"Key {{{{ $labels.key_id }}}} {ago if ended else 'ends in {{ $value | humanizeDuration }}'}",
        first="Ask its owner whether it is still needed; renew or remove it.",
    )


def _near(end: str, days: int) -> str:
    """Seconds until an end that is ahead."""
    return f"{end} - time() > 0 < {days * DAY}"


def _over(end: str) -> str:
    """Seconds since an end."""
    return f"time() - {end} >= 0"


def _when(ended: bool) -> str:
    return "ended {{ $value | humanizeDuration }} ago" if ended else "ends in {{ $value | humanizeDuration }}"


def _label(ended: bool) -> dict[str, str]:
    return {"ended": str(ended).lower()}
