"""Settings of a model that something outside of the stack serves, over the OpenAI API."""

import ipaddress
import re
from typing import Annotated, Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator, model_validator

from catalog.errors import KitError
from catalog.models import Row

HOST_MACHINE = "host.docker.internal"
"""What a container calls the machine that it runs on."""

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_BASE = re.compile(r"(/[A-Za-z0-9._~-]{1,128}){0,8}")
_PRIVATE_NAMES = (".internal", ".local", ".lan", ".home.arpa")
_GUIDE = "docs/guides/external.md shows the URL of each server."


class Endpoint(NamedTuple):
    """What a URL says, taken apart."""

    host: str
    """DNS name in lower case, IPv4 address, or IPv6 address without brackets."""
    port: int
    tls: bool
    base: str
    """Path before `/chat/completions`, without a slash at its end."""

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address."""
        return _address(self.host) is not None

    @property
    def address(self) -> str:
        """Host and port, to connect to."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """Content of the Host header: without the port where it goes without saying."""
        return self.address.removesuffix(":443" if self.tls else ":80")


class ExternalOptions(Row):
    """`external:` of a model in the stack's config.

    Its credential is not here: it stands in the secret config `slm-kit:externalSecrets`, under the model's
    name. How many requests it gets at once is the model's `concurrency`.
    """

    url: str
    """Base URL, with http or https, for example https://NAME.openai.azure.com/openai/v1. The paths that
    clients ask for follow it, without their /v1. No credential and no query in it. From a container, this
    machine is host.docker.internal."""
    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/][A-Za-z0-9._:/@+-]{0,255}$")] | None = None
    """Id that the endpoint knows the model by. Default: the model's public name. Answers keep this id."""
    credential: Literal["none", "bearer", "api-key"] = "none"
    """How it is sent: not at all, as `Authorization: Bearer`, or as the header `api-key` (Azure)."""
    health_path: Annotated[str, Field(pattern=r"^(none|/[A-Za-z0-9/._~-]{0,255})$")] | None = None
    """GET of it, with the credential, answers 200 when the endpoint is well; asked every 10 seconds. A whole
    path, not below the base. Default: `/models` below the base. `none` asks for a connection only."""
    authorities: Literal["system", "stack"] = "system"
    """Who may vouch for an https endpoint: the authorities of Debian, or those of
    `slm-kit:certificateAuthorities` and nobody else. It is always checked."""
    server_name: str | None = None
    """DNS name in the endpoint's certificate. Default: the host of the URL; an IP address cannot be it."""
    connect_timeout_seconds: Annotated[int, Field(ge=1, le=60)] = 5
    """For a connection, TLS included."""
    response_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 600
    """Between two bytes of an answer, also before the first."""

    @field_validator("url")
    @classmethod
    def _url_is_a_base(cls, url: str) -> str:
        _parse(url)
        return url

    @field_validator("server_name")
    @classmethod
    def _server_name_is_a_name(cls, name: str | None) -> str | None:
        if name is not None and (not _NAME.fullmatch(name) or _address(name)):
            limit = "it is no DNS name in lower case"
            raise KitError(f"serverName {name!r}", limit, "Take it from the certificate.")
        return name

    @model_validator(mode="after")
    def _secrets_are_safe_on_the_way(self) -> "ExternalOptions":
        endpoint = self.endpoint
        if endpoint.tls:
            if endpoint.is_address and self.server_name is None:
                limit = "a certificate is checked by its DNS name"
                raise KitError(f"the https URL of {endpoint.host}", limit, "Set serverName to that name.")
            return self
        if self.authorities == "stack" or self.server_name is not None:
            limit = "authorities and serverName are for https"
            raise KitError(f"the http URL of {endpoint.host}", limit, "Use https, or remove them.")
        if self.credential != "none" and not _is_private(endpoint.host):
            limit = "a credential would cross the internet unencrypted"
            raise KitError(f"the http URL of {endpoint.host}", limit, "Use https.")
        return self

    @property
    def endpoint(self) -> Endpoint:
        """The URL, taken apart."""
        return _parse(self.url)


def _parse(url: str) -> Endpoint:
    """Raises KitError, which never shows what could be a credential."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        raise KitError("the url of an external endpoint", "it is no URL", _GUIDE) from problem
    if "@" in parts.netloc or parts.query or parts.fragment or "?" in url or "#" in url:
        limit = "a user, password, query or fragment in it would be kept in plain config"
        step = "Remove it; a credential goes into the secret config slm-kit:externalSecrets."
        raise KitError(f"the url of external endpoint {parts.hostname!r}", limit, step)
    shown, host = f"external url {url!r}", parts.hostname or ""
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[\x21-\x7e]+", url):
        raise KitError(shown, "it must begin with http:// or https:// and hold no blanks", _GUIDE)
    if port == 0 or not (_address(host) or (_NAME.fullmatch(host) and not host[-1].isdigit())):
        raise KitError(shown, "its host is no DNS name and no IP address, or its port is 0", _GUIDE)
    if _is_this_container(host):
        raise KitError(shown, "inside the gateway's container that is the gateway", f"Use {HOST_MACHINE}.")
    tls = parts.scheme == "https"
    return Endpoint(host, port or (443 if tls else 80), tls, _base(parts, shown))


def _base(parts: SplitResult, shown: str) -> str:
    base = parts.path.rstrip("/")
    if not _BASE.fullmatch(base) or any(part in (".", "..") for part in base.split("/")):
        raise KitError(shown, f"its path must match {_BASE.pattern}", _GUIDE)
    if base.endswith(("/completions", "/embeddings", "/models")):
        raise KitError(shown, "it is the URL of one function", "Give what stands before it.")
    return base


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    return None if "%" in host else found


def _is_this_container(host: str) -> bool:
    address = _address(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _is_private(host: str) -> bool:
    address = _address(host)
    if address is None:
        return "." not in host or host.endswith(_PRIVATE_NAMES)
    return address.is_private
