"""How the outside is reached: proxies, authorities, mirrors and credentials, from files."""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

import requests
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.utils import should_bypass_proxies

from model_tools import __version__
from model_tools.errors import SpecError
from model_tools.redact import Redactor
from model_tools.spec import describe

DEFAULT_CA_FILE = Path("/etc/slm/config/ca.pem")
DEFAULT_HUB = "https://huggingface.co"
SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")

_HttpUrl = Annotated[str | None, Field(pattern=r"^https?://[^\s/]+")]


class NetworkConfig(BaseModel):
    """The network file. Every key is optional; URLs may carry `user:password@`.

    Without proxies in the file those of the environment count (HTTPS_PROXY and its like).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    index_url: _HttpUrl = Field(default=None, alias="indexUrl")
    http_proxy: _HttpUrl = Field(default=None, alias="httpProxy")
    https_proxy: _HttpUrl = Field(default=None, alias="httpsProxy")
    no_proxy: str | None = Field(default=None, alias="noProxy")
    hub_endpoint: _HttpUrl = Field(default=None, alias="hubEndpoint")
    hub_token: str | None = Field(default=None, alias="hubToken", pattern=r"^[\x21-\x7e]+$")

    @classmethod
    def read(cls, path: Path | None) -> Self:
        if path is None:
            return cls()
        try:
            return cls.model_validate_json(path.read_text("utf-8"))
        except OSError as error:
            raise SpecError(str(path), f"cannot be read ({error.strerror})", "mount it") from None
        except ValidationError as error:
            raise SpecError(str(path), describe(error), "correct the network file") from None


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _without_userinfo(url: str) -> tuple[str, str | None]:
    """Split a URL into itself without credentials and the Authorization they stand for."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return bare, f"Basic {base64.b64encode(pair).decode()}"


class _OriginAuth(AuthBase):
    """Sends a credential to the origin it belongs to, and to no other."""

    def __init__(self, credentials: dict[tuple[str, str | None, int], str]) -> None:
        self._credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        header = self._credentials.get(_origin(request.url or ""))
        if header and "Authorization" not in request.headers:
            request.headers["Authorization"] = header
        return request


class _ProxyAdapter(HTTPAdapter):
    """Chooses the proxy for each request, so that a redirect obeys noProxy too."""

    def __init__(self, proxies: dict[str, str], no_proxy: str | None) -> None:
        self._proxies, self._no_proxy = proxies, no_proxy
        super().__init__(max_retries=0)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        url = request.url or ""
        bypass = bool(self._no_proxy) and should_bypass_proxies(url, self._no_proxy)
        kwargs["proxies"] = {} if bypass else self._proxies
        return super().send(request, *args, **kwargs)


class Network:
    """One session for everything that is downloaded; `redact` cleans what is printed."""

    def __init__(self, config: NetworkConfig, ca_file: Path | None = None) -> None:
        self.index_url, index_auth = _without_userinfo(config.index_url or "")
        hub, hub_auth = _without_userinfo(config.hub_endpoint or DEFAULT_HUB)
        self.hub_url = hub.rstrip("/")
        if config.hub_token:
            hub_auth = f"Bearer {config.hub_token}"
        pairs = ((self.index_url, index_auth), (self.hub_url, hub_auth))
        credentials = {_origin(url): header for url, header in pairs if header}
        proxies, no_proxy = _proxies(config)
        urls = (config.index_url, config.hub_endpoint, *proxies.values())
        passwords = {urlsplit(url).password or "" for url in urls if url}
        words = {*passwords, *map(unquote, passwords), config.hub_token or ""}
        self.redact = Redactor(frozenset(words | set(credentials.values())))
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = _OriginAuth(credentials)
        self.session.headers["User-Agent"] = f"slm-kit-model-tools/{__version__}"
        self.session.verify = _authorities(ca_file)
        adapter = _ProxyAdapter(proxies, no_proxy)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)


def _proxies(config: NetworkConfig) -> tuple[dict[str, str], str | None]:
    given = {"http": config.http_proxy, "https": config.https_proxy}
    proxies = {scheme: url for scheme, url in given.items() if url}
    if proxies:
        return proxies, config.no_proxy
    environment = getproxies()
    found = {key: value for key, value in environment.items() if key in ("http", "https", "all")}
    return found, config.no_proxy or environment.get("no")


def _authorities(ca_file: Path | None) -> str:
    """The system's authorities with those of `ca_file` added; a file, as requests wants it."""
    system = Path(os.environ.get("SSL_CERT_FILE") or SYSTEM_AUTHORITIES)
    if ca_file is None:
        return str(system)
    try:
        extra = ca_file.read_text("utf-8")
    except OSError as error:
        raise SpecError(str(ca_file), f"cannot be read ({error.strerror})", "mount it") from None
    if "-----BEGIN CERTIFICATE-----" not in extra:
        raise SpecError(str(ca_file), "holds no PEM certificate", "give PEM authorities")
    known = system.read_text("utf-8") if system.exists() else ""
    with tempfile.NamedTemporaryFile(
        "w", prefix="authorities-", suffix=".pem", delete=False, encoding="utf-8"
    ) as bundle:
        bundle.write(f"{known}\n{extra}\n")
    return bundle.name
