"""The gateway's whole configuration, rendered from data: no Pulumi, no clock, same input, same text.

``render`` gives the files of /etc/slm/config, ``render_keys`` the secret file /etc/slm/secrets/keys.map and
``render_credentials`` (upstreams.py) the one beside it, external.map.
Names go into HAProxy's language unescaped, so what could leave its place there is refused.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from string import Template

from catalog.errors import KitError
from components.gateway.checks import check_key_id, check_unique
from components.gateway.collector import backend, collector_files, log_target
from components.gateway.fallbacks import check_fallbacks, fallback_rules
from components.gateway.log_fields import LOG_FIELDS
from components.gateway.refusals import OWN_ERRORS, REFUSALS
from components.gateway.types import TLS_PORT, GatewayLimits, KeyGrant, Route
from components.gateway.upstreams import authority_files, external_values
from components.gateway.usage import USAGE_START, usage_start

__all__ = ["ALL_MODELS", "GatewayLimits", "KeyGrant", "Route", "render", "render_keys"]

ALL_MODELS = "*"

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Scrapes and health probes, beside the public connections.
_METRICS_CONNECTIONS = 32
# Lines of the access log in ten seconds for requests without a known key; more of them are answered, and
# leave none. HAProxy's own counters have them all.
_KEYLESS_LOGGED = 100
# Equal prompt beginnings go to one replica, which has them in its prefix cache, until it holds a
# quarter more than its share. Without a prompt (embeddings) it is round robin.
_AFFINITY = "hash var(txn.prefix)\n    hash-type consistent\n    hash-balance-factor 125"


# HTTP/1.1 alone, as in the clear: many requests on one connection would not be bounded by connections, and
# memory is. Else what Mozilla calls intermediate, without the slow DHE:
# https://wiki.mozilla.org/Security/Server_Side_TLS
_TLS = (
    f'    bind :{TLS_PORT} proto h1 ssl crt "${{SLM_CERTIFICATE}}/tls.crt" alpn http/1.1'
    " ssl-min-ver TLSv1.2 no-tls-tickets ciphers ECDHE+AESGCM:ECDHE+CHACHA20"
)
_CERTIFICATE = "    http-request use-service lua.certificate if { path /certificate }"
_NO_TLS = "    # No certificate, no TLS."


class _CfgTemplate(Template):
    """``@name``: HAProxy's own ``$`` stays as it is."""

    delimiter = "@"


def render(
    routes: Sequence[Route],
    grants: Sequence[KeyGrant],
    limits: GatewayLimits | None = None,
    authorities: str | None = None,
    collector: str | None = None,
    *,
    encrypted: bool = False,
) -> dict[str, str]:
    """File name -> content of the configuration directory.

    Raises KitError for what is there twice, granted but not served, or a fallback that cannot be one.
    ``limits`` default to ``GatewayLimits()``; ``authorities`` are the stack's own, in PEM; ``collector`` is
    the host:port that takes the log over TCP too, where nothing else hands it on; ``encrypted`` is whether
    there is a certificate, with which a second public port speaks TLS.
    """
    limits = limits or GatewayLimits()
    check_unique("model", [route.model for route in routes])
    check_fallbacks(routes)
    check_unique("key id", [grant.id for grant in grants])
    models = sorted(route.model for route in routes)
    granted = {grant.id: _granted(grant, models) for grant in grants}
    pairs = [f"{key}|{model}" for key, names in granted.items() for model in names]
    quotas = {g.id: str(g.requests_per_minute) for g in grants if g.requests_per_minute is not None}
    ends = {g.id: str(_first_second(g.expires)) for g in grants if g.expires is not None}
    return {
        "haproxy.cfg": _haproxy_cfg(routes, limits, collector, encrypted),
        "models.map": _map({model: model for model in models}),
        "grants.map": _map(dict.fromkeys(pairs, "1")),
        "limits.map": _map(quotas),
        "expiries.map": _map(ends),
        USAGE_START: usage_start(routes, granted),
        "key-models.map": _map({key: _model_list(names) for key, names in granted.items()}),
        **authority_files(routes, authorities),
        **collector_files(collector),
    }


def render_keys(hashes: Mapping[str, str]) -> str:
    """Content of keys.map: SHA-256 of each key (64 lower-case hex digits) -> key id. A secret file.

    Raises KitError for a bad id, a bad hash, or one hash under two ids.
    """
    for key_id, digest in hashes.items():
        check_key_id(key_id)
        if not _SHA256.fullmatch(digest):
            limit = "it must be 64 lower-case hex digits"
            raise KitError(f"the hash of key {key_id!r}", limit, "Give the SHA-256 of the key.")
    if len(set(hashes.values())) < len(hashes):
        raise KitError("one key", "it is there under two ids", "Make a key for each id.")
    return _map({digest: key_id for key_id, digest in hashes.items()})


def _haproxy_cfg(
    routes: Sequence[Route], limits: GatewayLimits, collector: str | None, encrypted: bool
) -> str:
    rules = {name: refusal.rule() for name, refusal in REFUSALS.items()}
    values = {
        **rules,
        **{name: str(value) for name, value in vars(limits).items()},
        "bufsize": str(limits.buffer_bytes),
        "lua_memory_mib": str(limits.lua_memory_mib),
        "total_connections": str(limits.max_connections + _METRICS_CONNECTIONS),
        "metrics_connections": str(_METRICS_CONNECTIONS),
        "keyless_logged": str(_KEYLESS_LOGGED),
        "http_errors": "\n".join(
            f"    {refusal.rule('http-error', status)}" for status, refusal in OWN_ERRORS.items()
        ),
        "log_fields": " ".join(LOG_FIELDS),
        "fallbacks": fallback_rules(routes),
        "collected": log_target(collector),
        "encrypted": _TLS if encrypted else _NO_TLS,
        "certificate": _CERTIFICATE if encrypted else _NO_TLS,
    }
    head = _template("haproxy.cfg").substitute(values) + backend(collector)
    return head + "".join(
        _backend(route, rules, limits) for route in sorted(routes, key=lambda route: route.model)
    )


def _backend(route: Route, rules: Mapping[str, str], limits: GatewayLimits) -> str:
    values = {**rules, **_route_values(route), "response_timeout_s": str(limits.response_timeout_s)}
    if route.fallback is not None:
        # Requests that were let in at the same moment, one on each thread, are not refused behind it.
        values["max_queue"] = str(route.max_queue + limits.threads)
    if route.external is None:
        files, values["kind"] = ("route.cfg", "engine.cfg"), "engine"
        values["guard"] = "    # Its bodies are its own."
    else:
        files, values["kind"] = ("route.cfg", "external.cfg"), "external"
        values |= external_values(route, route.external)
        values["guard"] = f"    http-request {rules['field_not_allowed']} if {{ var(txn.steering) -m found }}"
    return "".join(_template(name).substitute(values) for name in files)


def _route_values(route: Route) -> dict[str, str]:
    return {
        "model": route.model,
        "alias": str(route.alias),
        "port": str(route.port),
        "host": f"{route.alias}:{route.port}",
        "health_path": route.health_path,
        "max_concurrency": str(route.max_concurrency),
        "max_queue": str(route.max_queue),
        # One more than there can be: a replica that replaces another is up before that one is gone.
        "slots": str(route.replicas + 1),
        "queue_timeout_ms": str(round(route.queue_timeout_s * 1000)),
        "wake_hold_ms": str(round(route.wake_hold_s * 1000)),
        "balance": _AFFINITY if route.replicas > 1 else "leastconn",
    }


def _template(name: str) -> Template:
    return _CfgTemplate((Path(__file__).parent / name).read_text(encoding="utf-8"))


def _first_second(day: date) -> int:
    """Unix time at which a day begins in UTC."""
    return int(datetime.combine(day, time(), UTC).timestamp())


def _map(rows: Mapping[str, str]) -> str:
    # The heading is there for a map without rows: a file that is put into a container cannot be empty.
    return "# key value\n" + "".join(f"{key} {value}\n" for key, value in sorted(rows.items()))


def _model_list(models: Iterable[str]) -> str:
    data = [{"id": m, "object": "model", "created": 0, "owned_by": "slm-kit"} for m in models]
    return json.dumps({"object": "list", "data": data}, separators=(",", ":"))


def _granted(grant: KeyGrant, models: Sequence[str]) -> list[str]:
    unknown = sorted(set(grant.models) - {ALL_MODELS} - set(models))
    if unknown:
        raise KitError(
            f"model {unknown[0]!r} granted to key {grant.id!r}",
            f"no route serves it; served are {', '.join(models) or 'none'}",
            "Add the model or drop the grant.",
        )
    return list(models) if ALL_MODELS in grant.models else sorted(set(grant.models))
