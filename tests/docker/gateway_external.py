"""Endpoints outside of the stack for the gateway's rig: real TLS with authorities made here."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import docker
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.gateway.config import KeyGrant, render
from components.gateway.upstreams import CREDENTIALS, render_credentials
from tests.docker.gateway_parts import StubEngine, control, keys_map
from tests.docker.gateway_rig import GatewayRig


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


class Authority:
    """Vouches for servers; ``pem`` is its own certificate."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._sign(_name(name), self._key, authority=True, issuer=_name(name))
        self.pem = _pem(self._certificate)

    def _sign(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool, issuer: x509.Name,
        names: tuple[str, ...] = (),
    ) -> x509.Certificate:  # fmt: skip
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        made = x509.CertificateBuilder(issuer, name, key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(now - day).not_valid_after(now + day)
        made = made.add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
            made = made.add_extension(alternatives, critical=False)
        return made.sign(self._key, hashes.SHA256())

    def write(self, folder: Path, *names: str) -> None:
        """chain.pem and key.pem of a server with these DNS names."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = self._certificate.subject
        chain = self._sign(_name(names[0]), key, authority=False, issuer=subject, names=names)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        (folder / "chain.pem").write_text(_pem(chain))
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        # Of a server of this test alone; its container reads it as another user.
        (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))


@dataclass
class External(StubEngine):
    """An endpoint that wants a credential and speaks TLS."""

    def checks(self) -> list[str]:
        """Request lines of the health checks it answered with 200, and "401" for each request it refused."""
        found: list[str] = control(self.container, "/log")["checks"]
        return found

    def wants(self, *values: str) -> None:
        """From now on only who sends one of these as bearer gets in."""
        control(self.container, "/secret/" + "|".join(f"Bearer%20{value}" for value in values))


class ExternalRig(GatewayRig):
    """A gateway with endpoints outside of its stack, and an authority of the stack's own."""

    credentials: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self, client: docker.DockerClient, images: tuple[str, str], labels: dict[str, str], folder: Path
    ):
        super().__init__(client, images, labels, folder)
        folder.chmod(0o755)
        self.authority = Authority("the stack's own")
        self.grants = (KeyGrant("alice", ("*",)),)

    def write_config(self) -> None:
        self.config.switch(render(self.routes, self.grants, self.limits, self.authority.pem))

    def write_keys(self) -> None:
        keys = keys_map(grant.id for grant in self.grants)
        credentials = render_credentials(self.routes, self.credentials)
        self.secrets.switch({"keys.map": keys, CREDENTIALS: credentials})

    def begin(self, *models: str) -> None:
        """Starts the gateway; what it leads to is there already. Returns when these models are up."""
        self.write_config()
        self.write_keys()
        self.start()
        for model in models:
            self.wait_until_up(model)

    def endpoint(self, alias: str, proves: str | None = None, **environment: str) -> External:
        """Starts one; it speaks TLS where it has a name to prove."""
        options: dict[str, Any] = {}
        if proves is not None:
            folder = self.root.parent / alias
            self.authority.write(folder, proves)
            environment["STUB_TLS"] = "/tls"
            options["volumes"] = {str(folder): {"bind": "/tls", "mode": "ro"}}
        return External(self.engine(alias, environment=environment, **options).container)
