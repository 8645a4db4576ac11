"""What the gateway is told: routes, grants, limits. A value that cannot be used is refused when it is made.

Names go into HAProxy's language unescaped, so what could leave its place there is not a name.
"""

import math
from dataclasses import dataclass
from datetime import date, datetime

from catalog.errors import KitError
from components.engines.external import ExternalOptions
from components.gateway.checks import (
    HOST,
    MODEL,
    PATH,
    check_between,
    check_key_id,
    check_match,
    check_whole,
)

PUBLIC_PORT = 8080
TLS_PORT = 8443
METRICS_PORT = 8405
"""Ports inside the container, as haproxy.cfg binds them."""

# HTX block descriptors and the room that HAProxy keeps for rewriting headers (tune.maxrewrite, 1 KiB).
_BUFFER_SLACK = 32 * 1024


@dataclass(frozen=True)
class Route:
    """A model and what serves it: an engine of the stack, or an endpoint outside of it."""

    model: str
    """Public model id, also the name of its backend and of its metrics' ``proxy`` label."""
    alias: str | None = None
    """DNS name of the engine; each address behind it is a replica. None exactly where `external` is set."""
    port: int = 8000
    health_path: str = "/ready"
    """GET of it answers 200 when the engine can take a request. Asked each second."""
    max_concurrency: int = 8
    """Requests at once in one replica, 1 to 4096."""
    max_queue: int = 64
    """Requests that wait for a slot or for a replica, 1 to 4096; one more gets 503 at once."""
    queue_timeout_s: float = 30.0
    """Longest wait for a slot, then 503. 0.1 to 3600."""
    replicas: int = 1
    """The most replicas there can be, 1 to 64. From 2 on, equal prompt beginnings meet one replica."""
    wake_hold_s: float = 5.0
    """How long a request waits for a model without a replica, then 503. 1 to 120: less than 1 would
    refuse requests in the moment after a reload in which names are not resolved yet, and a client
    that leaves in this wait is noticed only at its end."""
    external: ExternalOptions | None = None
    """The endpoint that serves the model; `alias`, `port`, `health_path` and `replicas` are an engine's."""
    fallback: str | None = None
    """Model of another route that answers while this one has no server or a full queue. A key needs no grant
    for it: prompts go where that route leads. It has no fallback itself."""

    def __post_init__(self) -> None:
        """Refuses names and numbers out of bounds."""
        check_match(MODEL, self.model, "model id")
        if (self.alias is None) is (self.external is None):
            limit = "it has both an alias and an external endpoint, or neither"
            raise KitError(f"route {self.model!r}", limit, "Give one of them.")
        if self.alias is not None:
            check_match(HOST, self.alias, "engine alias")
        check_match(PATH, self.health_path, "health path")
        where = f"of route {self.model!r}"
        check_whole(f"port {where}", self.port, 1, 65535)
        check_whole(f"max_concurrency {where}", self.max_concurrency, 1, 4096)
        check_whole(f"max_queue {where}", self.max_queue, 1, 4096)
        check_whole(f"replicas {where}", self.replicas, 1, 64)
        check_between(f"queue_timeout_s {where}", self.queue_timeout_s, 0.1, 3600)
        check_between(f"wake_hold_s {where}", self.wake_hold_s, 1, 120)


@dataclass(frozen=True)
class KeyGrant:
    """What one key may do. The key itself is known by ``render_keys`` only, as a hash."""

    id: str
    models: tuple[str, ...]
    """Model ids; ``"*"`` stands for all routes."""
    requests_per_minute: int | None = None
    """Accepted requests in a sliding minute, 1 to 1,000,000; None is no limit. Counted per gateway."""
    expires: date | None = None
    """First day (UTC) on which the key is refused; None is never. An answer under way then is not cut off."""

    def __post_init__(self) -> None:
        """Refuses an id, a number or a day that is none; models are checked against the routes later."""
        check_key_id(self.id)
        if self.expires is not None and (
            isinstance(self.expires, datetime) or not isinstance(self.expires, date)
        ):
            raise KitError(f"expires of key {self.id!r} is {self.expires!r}", "it is a day", "Give a date.")
        if self.requests_per_minute is not None:
            name = f"requests_per_minute of key {self.id!r}"
            check_whole(name, self.requests_per_minute, 1, 1_000_000)


@dataclass(frozen=True)
class GatewayLimits:
    """Bounds of the whole gateway. Times in seconds."""

    max_body_bytes: int = 1024 * 1024
    """1 KiB to 16 MiB. A buffer is that large, so memory is bounded by it times the connections."""
    max_header_bytes: int = 32 * 1024
    max_connections: int = 256
    """Clients at once, 1 to 10,000; further ones wait in the kernel. It bounds ``memory_mib``."""
    threads: int = 2
    """Not one a core as HAProxy would: each has buffers of its own."""
    header_timeout_s: int = 10
    body_timeout_s: int = 10
    """For the whole body, then 408."""
    client_timeout_s: int = 30
    """For a client that does not read its answer or stalls."""
    response_timeout_s: int = 600
    """For an engine between two bytes of an answer, also before the first."""
    keep_alive_s: int = 15
    drain_s: int = 600
    """Longest drain after SIGTERM or a reload; then what still runs is cut."""

    def __post_init__(self) -> None:
        """Refuses numbers out of bounds; times are 1 to 3600."""
        check_whole("max_body_bytes", self.max_body_bytes, 1024, 16 * 1024 * 1024)
        check_whole("max_header_bytes", self.max_header_bytes, 1024, 128 * 1024)
        check_whole("max_connections", self.max_connections, 1, 10_000)
        check_whole("threads", self.threads, 1, 16)
        for name, value in vars(self).items():
            if name.endswith("_s"):
                check_whole(name, value, 1, 3600)

    @property
    def buffer_bytes(self) -> int:
        """HAProxy's ``tune.bufsize``: the largest body with its headers."""
        return self.max_body_bytes + self.max_header_bytes + _BUFFER_SLACK

    @property
    def lua_memory_mib(self) -> int:
        """HAProxy's ``tune.lua.maxmem``: Lua, what its filters keep of each connection (16 KiB), and on each
        thread the one large body it scans, twice.
        """
        kept = math.ceil(self.max_connections * 16 / 1024)
        return 28 + kept + 2 * self.threads * math.ceil(self.max_body_bytes / 2**20)

    @property
    def memory_mib(self) -> int:
        """Memory limit under which every client may send its largest body at once.

        64 MiB and one and a half buffers a connection (measured: 1.2). Requests of ordinary size
        take 64 MiB at most for 64 of them: HAProxy touches only what it fills.
        """
        return 64 + math.ceil(1.5 * self.max_connections * self.buffer_bytes / 2**20)
