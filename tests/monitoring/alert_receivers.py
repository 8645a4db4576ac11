"""Receivers of every kind, as config gives them."""

from typing import Any

from pydantic import TypeAdapter

from monitoring.receivers import Receiver

_ADAPTER: TypeAdapter[Receiver] = TypeAdapter(Receiver)


def receiver(**given: Any) -> Receiver:
    """One receiver from config."""
    return _ADAPTER.validate_python(given)


EVERY_KIND = (
    receiver(kind="webhook", name="hook", severities=["page", "ticket"]),
    receiver(
        kind="email", name="mail", to="a@example.org, b@example.org", sender="kit@example.org",
        server="smtp.example.org:587", login="kit", severities=["ticket"],
    ),
    receiver(kind="email", name="relay", to="a@example.org", sender="kit@example.org", server="relay:25",
             requireTls=False, severities=["ticket"]),
    receiver(kind="slack", name="chat", channel="#models"),
    receiver(kind="pagerduty", name="on-call", severities=["page"]),
    receiver(kind="teams", name="team", secret="team-address", severities=["ticket"]),
    receiver(kind="deadMansSwitch", name="alive", intervalMinutes=2),
)  # fmt: skip
SECRETS = {
    "hook": "https://hook.example.org/s3cret",
    "mail": "s3cret with spaces",
    "chat": "https://chat.example.org/s3cret\n",
    "on-call": "s3cret",
    "team-address": "https://team.example.org/s3cret",
    "alive": "https://alive.example.org/s3cret",
}
PAGED = ["hook", "chat", "on-call"]
TICKETED = ["hook", "mail", "relay", "chat", "team"]
