"""What config can say about monitoring, and about what a model promises and costs."""

from typing import Annotated

from pydantic import Field, model_validator

from catalog.errors import KitError
from monitoring.alertmanager import NOBODY
from monitoring.receivers import Receiver
from monitoring.watched import Price, Slo
from stacks.base import Settings

Port = Annotated[int, Field(ge=1, le=65535)]
Share = Annotated[float, Field(ge=0.5, le=0.99999)]


class SloSettings(Settings):
    """What is promised about a model over 30 days; alerts, dashboards and runbooks follow from it."""

    availability: Share = Slo.availability
    """Share of requests that are answered; 0.995 is 99.5 %."""
    first_token_seconds: Annotated[float, Field(ge=0.01, le=600)] = Slo.first_token_seconds
    """How soon the first token of a streamed answer should come, waiting included."""
    first_token_share: Share = Slo.first_token_share
    """Share of streamed answers whose first token comes that soon."""

    def as_slo(self) -> Slo:
        """For the rules."""
        return Slo(self.availability, self.first_token_seconds, self.first_token_share)


class PriceSettings(Settings):
    """USD a million tokens."""

    prompt: Annotated[float, Field(ge=0)] = 0.0
    completion: Annotated[float, Field(ge=0)]

    def as_price(self) -> Price:
        """For the rules."""
        return Price(self.prompt, self.completion)


class MonitoringPorts(Settings):
    """Ports of this machine, all on 127.0.0.1."""

    prometheus: Port = 9090
    alertmanager: Port = 9093
    grafana: Port = 3001
    collector: Port = 24224
    """Where Docker hands the containers' logs to the collector."""


class MonitoringSettings(Settings):
    """Metrics, alerts, dashboards and logs. On unless `enabled` is false."""

    enabled: bool = True
    grafana: bool | None = None
    """Default: where its image can be pulled (slm-kit:images upstream); there is no other way to it."""
    retention_days: Annotated[int, Field(ge=4, le=730)] = 35
    """Of metrics. Promises are looked at over three days; usage by month wants at least 31."""
    storage_gib: Annotated[int, Field(ge=1, le=1024)] = 4
    """Most that metrics take; the oldest go first."""
    log_retention_days: Annotated[int, Field(ge=1, le=365)] = 7
    ports: MonitoringPorts = MonitoringPorts()
    receivers: tuple[Receiver, ...] = ()
    """Who is told of alerts (monitoring/receivers.py). Default: nobody; Alertmanager's page shows them."""
    runbooks: Annotated[str, Field(pattern=r"^https?://[^\s\"']+$")] | None = None
    """Base URL of a copy of monitoring/runbooks, for links in alerts. Default: paths in this repository."""

    @model_validator(mode="after")
    def _hangs_together(self) -> "MonitoringSettings":
        ports = self.ports.model_dump()
        twice = [name for name, port in ports.items() if list(ports.values()).count(port) > 1]
        if twice:
            raise KitError(
                f"monitoring.ports.{twice[0]} {ports[twice[0]]}", "is another page's port", "Choose another."
            )
        names = [NOBODY, *(receiver.name for receiver in self.receivers)]
        taken = sorted({name for name in names if names.count(name) > 1})
        if taken:
            limit = "is taken" if taken[0] == NOBODY else "is listed twice"
            raise KitError(f"alert receiver {taken[0]!r}", limit, "Give each receiver a name of its own.")
        return self
