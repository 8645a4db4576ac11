"""Who is told of alerts, as config says it. Credentials are named here and lie elsewhere."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from catalog.errors import KitError
from monitoring.alerts.making import Severity

SECRETS = "/etc/slm/secrets"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Told = Literal[Severity.PAGE, Severity.TICKET]

TITLE = (
    '{{ if eq .Status "firing" }}{{ .Alerts.Firing | len }} firing{{ else }}resolved{{ end }}: '
    "{{ .GroupLabels.alertname }}{{ with .GroupLabels.model }} of {{ . }}{{ end }}"
)
TEXT = (
    "{{ range .Alerts }}{{ .Status }}: {{ .Annotations.summary }}\n{{ .Annotations.description }}\n"
    "Runbook: {{ .Annotations.runbook_url }}\n\n{{ end }}"
)


_PAGERDUTY_SEVERITY = '{{ if eq .CommonLabels.severity "page" }}critical{{ else }}warning{{ end }}'


def _has_a_port(server: str) -> str:
    if not 1 <= int(server.rpartition(":")[2]) <= 65535:
        raise ValueError("a port is 1 to 65535")
    return server


class _Receiver(BaseModel):
    """What all have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True)

    name: Name
    severities: Annotated[tuple[Told, ...], Field(min_length=1)] = (Severity.PAGE, Severity.TICKET)
    """What it is told of."""
    secret: Name | None = None
    """Name of its credential in the secret config receiverSecrets. Default: its own name."""

    @property
    def secret_name(self) -> str | None:
        """Name of its credential; None where it needs none."""
        return self.secret or self.name

    @property
    def secret_is_address(self) -> bool:
        """Whether the credential is an address that whoever knows it may write to."""
        return True

    @property
    def secret_path(self) -> str:
        """The file that holds the credential in Alertmanager's container."""
        return f"{SECRETS}/{secret_file(self.secret_name or self.name)}"


class Webhook(_Receiver):
    """Alertmanager's own JSON, posted to an address. Secret: the address."""

    kind: Literal["webhook"]

    def config(self, title: str) -> dict[str, Any]:
        """Alertmanager's words for it."""
        del title  # The receiver gets the labels themselves.
        return {"webhook_configs": [{"url_file": self.secret_path, "send_resolved": True}]}


class DeadMansSwitch(_Receiver):
    """Something outside that misses us: its address is called every few minutes, and it tells somebody when
    the calls end. Secret: the address."""

    kind: Literal["deadMansSwitch"]
    severities: tuple[Told, ...] = Field(default=(), max_length=0)
    interval_minutes: Annotated[int, Field(ge=1, le=60)] = 5

    def config(self, title: str) -> dict[str, Any]:
        """Alertmanager's words for it."""
        del title
        return {"webhook_configs": [{"url_file": self.secret_path, "send_resolved": False}]}


class Email(_Receiver):
    """Secret: the password at the mail server, where a login is given."""

    kind: Literal["email"]
    to: Annotated[str, Field(pattern=r"^[^@\s,]+@[^@\s,]+(, *[^@\s,]+@[^@\s,]+)*$")]
    """One address, or several with commas."""
    sender: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    server: Annotated[str, Field(pattern=r"^[^\s:/]+:[0-9]{1,5}$"), AfterValidator(_has_a_port)]
    """Host and port of the mail server."""
    login: str | None = None
    """Default: the server asks for none."""
    require_tls: bool = True

    @model_validator(mode="after")
    def _has_a_login_for_its_secret(self) -> "Email":
        if self.secret and not self.login:
            raise KitError(
                f"the secret of receiver {self.name}",
                "is a password without a login",
                "Set login, or remove secret.",
            )
        return self

    @property
    def secret_name(self) -> str | None:
        """Only a login has a password."""
        return (self.secret or self.name) if self.login else None

    @property
    def secret_is_address(self) -> bool:
        """A password."""
        return False

    def config(self, title: str) -> dict[str, Any]:
        """Alertmanager's words for it."""
        entry: dict[str, Any] = {"to": self.to, "from": self.sender, "smarthost": self.server}
        if self.login:
            entry |= {"auth_username": self.login, "auth_password_file": self.secret_path}
        entry |= {"require_tls": self.require_tls, "headers": {"Subject": title}, "send_resolved": True}
        return {"email_configs": [{**entry, "html": "", "text": TEXT}]}


class Slack(_Receiver):
    """Secret: the address of an incoming webhook."""

    kind: Literal["slack"]
    channel: Annotated[str, Field(pattern=r"^[#@]?[^\s]{1,80}$")] | None = None
    """Default: the webhook's own."""

    def config(self, title: str) -> dict[str, Any]:
        """Alertmanager's words for it."""
        channel = {"channel": self.channel} if self.channel else {}
        entry = {"api_url_file": self.secret_path, **channel, "title": title, "text": TEXT}
        return {"slack_configs": [{**entry, "send_resolved": True}]}


class PagerDuty(_Receiver):
    """Secret: the integration key of a service (Events API v2)."""

    kind: Literal["pagerduty"]

    @property
    def secret_is_address(self) -> bool:
        """A key."""
        return False

    def config(self, title: str) -> dict[str, Any]:
        """Alertmanager's words for it."""
        entry = {"routing_key_file": self.secret_path, "description": title, "severity": _PAGERDUTY_SEVERITY}
        return {"pagerduty_configs": [{**entry, "details": {"alerts": TEXT}, "send_resolved": True}]}


class Teams(_Receiver):
    """Secret: the address of a workflow ("Post to a channel when a webhook request is received")."""

    kind: Literal["teams"]

    def config(self, title: str) -> dict[str, Any]:
        """Alertmanager's words for it."""
        entry = {"webhook_url_file": self.secret_path, "title": title, "text": TEXT}
        return {"msteamsv2_configs": [{**entry, "send_resolved": True}]}


Receiver = Annotated[
    Webhook | Email | Slack | PagerDuty | Teams | DeadMansSwitch, Field(discriminator="kind")
]


def secret_file(name: str) -> str:
    """Name of the file for a secret of this name."""
    return f"receiver-{name}"
