"""Endpoints outside of the stack, in HAProxy's language, and the secret file of their credentials.

What can be refused was refused by ExternalOptions: nothing here needs quoting.
"""

import re
from collections.abc import Mapping, Sequence

from catalog.errors import KitError
from components.engines.external import HOST_MACHINE, Endpoint, ExternalOptions
from components.gateway.types import Route

AUTHORITIES = "authorities.pem"
"""Config file with the stack's own authorities, in PEM."""
CREDENTIALS = "external.map"
"""Secret file: model id -> credential of its endpoint."""

_CREDENTIAL = re.compile(r"[\x21-\x7e]{1,8192}")
_HEADERS = {"bearer": ("Authorization", "Bearer "), "api-key": ("api-key", "")}


def external_values(route: Route, external: ExternalOptions) -> dict[str, str]:
    """Values of external.cfg, and those that differ from an engine's in route.cfg."""
    endpoint = external.endpoint
    return {
        "host": endpoint.authority,
        "base": endpoint.base,
        "rename": _rename(route, external),
        "credential": _credential(route, external, "    http-request set-header {} {}"),
        "check": _check(route, external),
        "address": endpoint.address,
        "connection": " ".join((*_resolution(endpoint), *_tls(external))),
        "connect_timeout_s": str(external.connect_timeout_seconds),
        "response_timeout_s": str(external.response_timeout_seconds),
    }


def authority_files(routes: Sequence[Route], authorities: str | None) -> dict[str, str]:
    """The stack's authorities as a config file, where an endpoint is vouched for by them.

    Raises KitError where it is and the stack has none.
    """
    wanted = sorted(each.model for each in routes if each.external and each.external.authorities == "stack")
    if not wanted:
        return {}
    if not authorities or not authorities.strip():
        limit = "the stack has no authorities of its own"
        step = "Name a PEM file in slm-kit:certificateAuthorities, or set authorities to system."
        raise KitError(f"authorities 'stack' of external model {wanted[0]!r}", limit, step)
    return {AUTHORITIES: authorities}


def needs_credentials(routes: Sequence[Route]) -> bool:
    """Whether the gateway needs the secret file of credentials."""
    return any(route.external and route.external.credential != "none" for route in routes)


def render_credentials(routes: Sequence[Route], credentials: Mapping[str, str]) -> str:
    """Content of external.map, a secret file. What belongs to no route is left out.

    Raises KitError, without the credential, for one that is missing, not asked for, or no header value.
    """
    rows = ["# key value"]
    for route in sorted(routes, key=lambda route: route.model):
        if route.external is None:
            continue
        value, where = credentials.get(route.model), f"the credential of external model {route.model!r}"
        if route.external.credential == "none":
            if value is not None:
                limit = "its endpoint is told none"
                raise KitError(where, limit, "Set `credential: bearer` or `api-key`, or remove the secret.")
            continue
        if value is None:
            raise KitError(
                where, "it is not in slm-kit:externalSecrets", "Add it there, by the model's name."
            )
        if not _CREDENTIAL.fullmatch(value):
            limit = "it must be 1 to 8192 visible ASCII characters, without blanks and line ends"
            raise KitError(where, limit, "Copy it again.")
        rows.append(f"{route.model} {value}")
    return "\n".join(rows) + "\n"


def _rename(route: Route, external: ExternalOptions) -> str:
    known_as = external.model or route.model
    return (
        f"    filter lua.rename {known_as}"
        if known_as != route.model
        else "    # Its name is the same there."
    )


def _credential(route: Route, external: ExternalOptions, form: str) -> str:
    if external.credential == "none":
        return ""
    name, prefix = _HEADERS[external.credential]
    return form.format(name, f'"{prefix}%[str({route.model}),map_str(${{SLM_SECRETS}}/{CREDENTIALS})]"')


def _check(route: Route, external: ExternalOptions) -> str:
    endpoint = external.endpoint
    path = external.health_path or f"{endpoint.base}/models"
    if path == "none":
        return "    # Not asked for a page: a connection is all that is checked."
    header = _credential(route, external, " hdr {} {}")
    return f"""\
    option httpchk
    http-check send meth GET uri {path} ver HTTP/1.1 hdr Host {endpoint.authority}{header}
    http-check expect on-error "the endpoint does not accept the credential" ! status 401,403
    http-check expect status 200"""


def _resolution(endpoint: Endpoint) -> tuple[str, ...]:
    if endpoint.is_address:
        return ()
    # The container's hosts file has it, which only libc reads; no name server need know it.
    if endpoint.host == HOST_MACHINE:
        return ("init-addr", "libc,none")
    return ("init-addr", "none", "resolvers", "internet")


def _tls(external: ExternalOptions) -> tuple[str, ...]:
    endpoint = external.endpoint
    if not endpoint.tls:
        return ()
    name = external.server_name or endpoint.host
    trusted = "@system-ca" if external.authorities == "system" else f'"${{SLM_CONFIG}}/{AUTHORITIES}"'
    identity = ("verifyhost", name, "sni", f"str({name})", "check-sni", name)
    return ("ssl", "verify", "required", "ca-file", trusted, *identity)
