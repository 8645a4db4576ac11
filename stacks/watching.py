"""From a stack's plan to what is watched of it."""

from collections.abc import Callable, Sequence

from cryptography import x509

from catalog.errors import KitError
from catalog.sizing.cost import usd_a_million_tokens
from components.engines.contract import PORT
from components.gateway.config import KeyGrant, Route
from components.gateway.types import GatewayLimits
from components.platforms.kubernetes_times import pull_seconds
from monitoring.watched import Price, Slo, Watched, WatchedCluster, WatchedEngine, WatchedKey, WatchedModel
from stacks.model_settings import ModelSettings
from stacks.plan import Hosted, Plan
from stacks.settings import StackSettings

MIB = 2**20
MOST_CERTIFICATES = 20
"""Of a machine's whole bundle those that end first are watched."""


def watched_of(
    stack: str,
    made: Plan,
    settings: StackSettings,
    limits: GatewayLimits,
    cluster: WatchedCluster | None = None,
    address: Callable[[str], str] | None = None,
) -> Watched:
    """What monitoring is told. On a `cluster`, `address` gives an alias' full DNS name."""
    hosted = {each.serving.name: each for each in made.hosted}
    owners = {name: model for model in settings.models for name in model.public_names}
    names = [route.model for route in made.routes]
    return Watched(
        stack=stack,
        models=tuple(
            _model(route, owners[route.model], hosted.get(owners[route.model].name), address)
            for route in made.routes
        ),
        keys=tuple(_key(grant, names) for grant in made.grants),
        certificates=certificates_of(made.authorities),
        own_certificate=settings.kubernetes is not None and settings.kubernetes.load_balancer is not None,
        gpus=_gpus(made, cluster),
        cluster=cluster,
        max_connections=limits.max_connections,
        retention_days=settings.monitoring.retention_days,
        log_retention_days=settings.monitoring.log_retention_days,
    )


def _gpus(made: Plan, cluster: WatchedCluster | None) -> int:
    """Those that are watched: on a cluster, where an exporter of the stack's own runs beside its engines."""
    if cluster is None:
        return sum(len(each.devices) for each in made.hosted)
    return 0 if cluster.gpu_exporter is None else sum(each.serving.gpus for each in made.hosted)


def _model(
    route: Route, model: ModelSettings, hosted: Hosted | None, address: Callable[[str], str] | None
) -> WatchedModel:
    return WatchedModel(
        name=route.model,
        slo=model.slo.as_slo() if model.slo else Slo(),
        max_queue=route.max_queue,
        engine=None if hosted is None else _engine(hosted, model, on_cluster=address is not None),
        alias=route.alias,
        address=address(route.alias) if address and route.alias else None,
        price=model.price.as_price() if model.price else _price_of(hosted),
    )


def _engine(hosted: Hosted, model: ModelSettings, *, on_cluster: bool) -> WatchedEngine:
    serving, probe = hosted.serving, hosted.workload.readiness
    return WatchedEngine(
        name=hosted.decision.engine,
        start_budget_seconds=probe.start_seconds if probe else 0,
        memory_limit_bytes=serving.memory_mib * MIB,
        slots=serving.concurrency,
        gpus=serving.gpus,
        least_replicas=model.scaling.min_replicas,
        arrival_seconds=pull_seconds(hosted.workload) if on_cluster else 0,
        port=PORT,
        metrics_path=hosted.workload.metrics_path or "/metrics",
    )


def _price_of(hosted: Hosted | None) -> Price | None:
    """Rent of the machine over what it can write: nothing is known of one that is owned."""
    usd = None if hosted is None else usd_a_million_tokens(hosted.fit)
    return None if usd is None else Price(prompt=0.0, completion=usd)


def _key(grant: KeyGrant, names: Sequence[str]) -> WatchedKey:
    models = names if "*" in grant.models else [name for name in names if name in grant.models]
    return WatchedKey(grant.id, tuple(models), grant.expires)


def certificates_of(authorities: str | None) -> tuple[tuple[str, int], ...]:
    """Name and end of each certificate, Unix time. Raises KitError for what is no certificate."""
    if authorities is None:
        return ()
    try:
        found = x509.load_pem_x509_certificates(authorities.encode())
    except ValueError as error:
        raise KitError(
            "certificateAuthorities", f"cannot be read: {error}", "Give PEM certificates."
        ) from error
    # An authority and its renewed self have one subject.
    ends = {
        f"{each.subject.rfc4514_string()} ({each.serial_number:x})": int(each.not_valid_after_utc.timestamp())
        for each in found
    }
    return tuple(sorted(ends.items(), key=lambda item: item[1])[:MOST_CERTIFICATES])
