"""What there is to watch in one stack, as data: every file of this folder is rendered from it.

A stack makes it of its plan; nothing here reads config or creates a resource.
"""

from dataclasses import dataclass
from datetime import date

from catalog.models import EngineName

Engine = EngineName | str
"""An engine of the stack, or `external`."""


@dataclass(frozen=True)
class Slo:
    """A promise about one model, over 30 days."""

    availability: float = 0.995
    """Share of requests that are answered, 0.5 to 0.99999. The caller's own mistakes (4xx, 429 of its own
    limit) and requests that the caller gave up do not count."""
    first_token_seconds: float = 5.0
    """How soon the first token of a streamed answer should come, waiting in queues included; 0.01 to 600."""
    first_token_share: float = 0.95
    """Share of streamed answers whose first token comes that soon, 0.5 to 0.99999. Of an answer that is
    not streamed nobody sees a first token."""


@dataclass(frozen=True)
class Price:
    """What tokens of one model cost, in USD a million."""

    prompt: float
    completion: float


@dataclass(frozen=True)
class WatchedEngine:
    """The engine that serves a model inside the stack."""

    name: EngineName
    start_budget_seconds: int
    """How long it may take until it is ready for the first time."""
    memory_limit_bytes: int
    """Above it the kernel kills."""
    slots: int
    """Requests answered at once."""
    gpus: int = 0
    least_replicas: int = 1
    """0: it sleeps while nobody asks, and is woken by who does."""
    arrival_seconds: int = 0
    """Before a start, on a cluster: for a node that has to be added and an image that has to be pulled."""
    port: int = 8000
    metrics_path: str = "/metrics"


@dataclass(frozen=True)
class WatchedModel:
    """One public model name behind the gateway."""

    name: str
    """Public model id: the label `model` everywhere, and `proxy` in the gateway's own metrics."""
    slo: Slo
    max_queue: int
    """Requests that may wait at the gateway."""
    engine: WatchedEngine | None
    """None for an external endpoint."""
    alias: str | None = None
    """DNS name of the engine; LoRA adapters share their base model's. None for an external endpoint."""
    address: str | None = None
    """On a cluster: the full DNS name behind which each ready replica of the engine is one address."""
    price: Price | None = None
    """None where nobody knows one."""

    @property
    def engine_name(self) -> str:
        """The label `engine`."""
        return "external" if self.engine is None else self.engine.name

    @property
    def may_sleep(self) -> bool:
        """Whether it may have no replica while nobody asks."""
        return self.engine is not None and self.engine.least_replicas == 0

    @property
    def owns_engine(self) -> bool:
        """Whether the engine is its own: not an external one, nor a base model's."""
        return self.engine is not None and self.alias == self.name


@dataclass(frozen=True)
class WatchedKey:
    """One API key, by its id: the key itself is known to nothing here."""

    id: str
    models: tuple[str, ...]
    """Names of models it may use, without `*`."""
    expires: date | None = None
    """First day (UTC) on which the gateway refuses it."""


@dataclass(frozen=True)
class WatchedCluster:
    """Where on Kubernetes a stack runs."""

    namespace: str
    """Of the stack alone."""
    metrics_volume_bytes: int
    """Size of the claim under what Prometheus keeps."""
    gpu_exporter: str | None = None
    """Full DNS name behind which the GPU exporter of each node is one address. None: none runs."""

    @property
    def kubectl(self) -> str:
        """How a command for its namespace begins."""
        return f"kubectl -n {self.namespace}"


@dataclass(frozen=True)
class Watched:
    """A stack as monitoring sees it."""

    stack: str
    models: tuple[WatchedModel, ...]
    keys: tuple[WatchedKey, ...]
    certificates: tuple[tuple[str, int], ...] = ()
    """Name and end of validity (Unix time) of each certificate authority that the stack trusts beside those
    of its images. The gateway's own is not among them: it is in a Secret that others renew."""
    own_certificate: bool = False
    """Whether the gateway ends TLS itself, with a certificate that it can be asked about."""
    gpus: int = 0
    """GPUs that engines of the stack use; 0: there is no GPU exporter."""
    cluster: WatchedCluster | None = None
    """Where it runs on Kubernetes: engines are there only once they are ready, the machines are for the
    cluster's own monitoring to watch, and of all logs the gateway's alone is kept. None: on one machine."""
    max_connections: int = 256
    """Clients that the gateway serves at once."""
    retention_days: int = 35
    log_retention_days: int = 7

    @property
    def engines(self) -> tuple[WatchedModel, ...]:
        """One model for each engine of the stack."""
        return tuple(model for model in self.models if model.owns_engine)

    def uses(self, engine: str) -> bool:
        """Whether anything runs on it."""
        return any(model.engine_name == engine for model in self.models)


@dataclass(frozen=True)
class Addresses:
    """Where the parts reach each other inside the stack: DNS name and port."""

    gateway: str = "gateway:8405"
    """The gateway's own metrics."""
    prometheus: str = "prometheus:9090"
    alertmanager: str = "alertmanager:9093"
    node: str = "node-exporter:9100"
    gpu: str = "gpu-exporter:9400"
    loki: str = "loki:3100"
    collector: str = "collector:8888"
    """The collector's metrics about itself."""
    usage: str = "collector:9464"
    """What the collector counts from the gateway's log."""
    grafana: str = "grafana:3000"


ADDRESSES = Addresses()
MODELS_MOUNT = "/watched/models"
"""Where the node exporter sees the model store; the `mountpoint` label of its file system."""
PROMETHEUS_MOUNT = "/watched/prometheus"
"""Where the node exporter sees what Prometheus keeps."""
LOKI_MOUNT = "/watched/loki"
PASSWORD_FILE = "/etc/slm/secrets/password"
"""Password of the login `operator` on Prometheus, Alertmanager and Grafana, where a container needs it."""
LOGIN = "operator"
