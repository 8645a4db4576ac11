"""A gateway with a certificate, which its clients ask over TLS alone."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container

from components.gateway.config import render
from tests.docker.gateway_parts import WatchedDirectory, published
from tests.docker.gateway_rig import GatewayRig
from tests.kubernetes.certificates import Authority

HOST = "models.example.com"


@dataclass(frozen=True)
class Spoken:
    """What a handshake led to."""

    name: str
    """Common name in the certificate, which is the authority's and for HOST."""
    version: str | None
    protocol: str | None


class TlsRig(GatewayRig):
    """`renew(name)` gives it another certificate; names tell them apart."""

    def __init__(
        self, client: docker.DockerClient, images: tuple[str, str], labels: dict[str, str], folder: Path
    ) -> None:
        super().__init__(client, images, labels, folder)
        self.authority = Authority("the clients'")
        self.certificate = WatchedDirectory(self.root / "certificate")
        self._tls_port = 0

    def write_config(self) -> None:
        self.config.switch(render(self.routes, self.grants, self.limits, encrypted=True))

    def start(self, *, wait: bool = True, **more: Any) -> Container:
        made = super().start(wait=wait, **more)
        self._tls_port = published(made, 8443)
        return made

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._tls_port}"

    def files(self, name: str) -> dict[str, str]:
        """A new certificate, with its authority's behind it as chains are, and its key."""
        made = self.authority.server(name, [HOST], [])
        chain = made.certificate + self.authority.certificate
        return {"tls.crt": chain.decode(), "tls.key": made.key.decode()}

    def renew(self, name: str) -> None:
        self.certificate.switch(self.files(name))

    def speak(self, *offered: str, ciphers: str | None = None) -> Spoken:
        """Shake hands as a client that trusts the authority; `offered` by ALPN, `ciphers` of TLS 1.2 only."""
        with self._shaken(*offered, ciphers=ciphers) as spoken:
            shown: Any = spoken.getpeercert()
            name = dict(pair for (pair,) in shown["subject"])["commonName"]
            return Spoken(name, spoken.version(), spoken.selected_alpn_protocol())

    def validity(self) -> dict[str, int]:
        """Unix times `not_before` and `not_after` of the certificate that a client is shown."""
        with self._shaken() as spoken:
            shown: Any = spoken.getpeercert()
            return {
                name: int(ssl.cert_time_to_seconds(shown[field]))
                for name, field in (("not_before", "notBefore"), ("not_after", "notAfter"))
            }

    def _shaken(self, *offered: str, ciphers: str | None = None) -> ssl.SSLSocket:
        trusting = ssl.create_default_context(cadata=self.authority.certificate.decode())
        if offered:
            trusting.set_alpn_protocols(list(offered))
        if ciphers:
            trusting.maximum_version = ssl.TLSVersion.TLSv1_2
            trusting.set_ciphers(ciphers)
        connection = socket.create_connection(("127.0.0.1", self._tls_port), 5)
        return trusting.wrap_socket(connection, server_hostname=HOST)
