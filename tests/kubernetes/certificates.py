"""Keys, certificates and kubeconfigs of a cluster that lives for one test session."""

import base64
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=2)
INSIDE = "https://127.0.0.1:6443"
SERVER_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)
SERVER_ADDRESSES = ("127.0.0.1", "10.96.0.1")
"""The second is the first address of the services' range, which Kubernetes gives to its own API."""

USERS = {
    # The users that Kubernetes' own roles are bound to at start:
    # https://kubernetes.io/docs/reference/access-authn-authz/rbac/#core-component-roles
    "kube-controller-manager": ("system:kube-controller-manager", None),
    "kube-scheduler": ("system:kube-scheduler", None),
    "kube-proxy": ("system:kube-proxy", None),
    "kubelet": ("system:node:node", "system:nodes"),
    "coredns": ("coredns", None),
}


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, both PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """A certificate authority; its certificates live for two days."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        signed = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = signed.public_bytes(serialization.Encoding.PEM)

    def client(self, name: str, group: str | None = None) -> Pair:
        """A certificate for the user `name`, in `group`."""
        return self._issue(name, group, ExtendedKeyUsageOID.CLIENT_AUTH)

    def server(self, name: str, names: Sequence[str], addresses: Sequence[str]) -> Pair:
        """A certificate for a server with these DNS names and IP addresses."""
        found: list[x509.GeneralName] = [x509.DNSName(each) for each in names]
        found += [x509.IPAddress(ipaddress.ip_address(each)) for each in addresses]
        return self._issue(name, None, ExtendedKeyUsageOID.SERVER_AUTH, found)

    def _issue(
        self,
        name: str,
        group: str | None,
        usage: x509.ObjectIdentifier,
        names: Sequence[x509.GeneralName] = (),
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if group:
            parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            self._builder(x509.Name(parts), key.public_key())
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(issuer, critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = builder.sign(self._key, hashes.SHA256())
        return Pair(signed.public_bytes(serialization.Encoding.PEM), _pem(key))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        start = datetime.now(UTC) - timedelta(minutes=5)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + LIFETIME)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )


@dataclass(frozen=True)
class Credentials:
    """`files` for /etc/kubernetes of the node, and what its administrator needs."""

    files: Mapping[str, bytes]
    authority: bytes
    admin: Pair


def credentials() -> Credentials:
    """Everything that the programs of a node show each other, made anew."""
    cluster, proxy = Authority("kubernetes-ca"), Authority("front-proxy-ca")
    pairs = {
        "apiserver": cluster.server("kube-apiserver", SERVER_NAMES, SERVER_ADDRESSES),
        "apiserver-kubelet-client": cluster.client("kube-apiserver-kubelet-client", "system:masters"),
        "front-proxy-client": proxy.client("front-proxy-client"),
    }
    files = {
        "pki/ca.crt": cluster.certificate,
        "pki/front-proxy-ca.crt": proxy.certificate,
        "pki/sa.key": _pem(ec.generate_private_key(ec.SECP256R1())),
    }
    for name, pair in pairs.items():
        files |= {f"pki/{name}.crt": pair.certificate, f"pki/{name}.key": pair.key}
    for program, (user, group) in USERS.items():
        config = kubeconfig(INSIDE, cluster.certificate, cluster.client(user, group))
        files[f"{program}.conf"] = config.encode()
    return Credentials(files, cluster.certificate, cluster.client("admin", "system:masters"))


def kubeconfig(server: str, authority: bytes, user: Pair) -> str:
    """A kubeconfig that needs no other file."""
    cluster = {"server": server, "certificate-authority-data": _base64(authority)}
    keys = {
        "client-certificate-data": _base64(user.certificate),
        "client-key-data": _base64(user.key),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "node",
        "contexts": [{"name": "node", "context": {"cluster": "node", "user": "node"}}],
        "clusters": [{"name": "node", "cluster": cluster}],
        "users": [{"name": "node", "user": keys}],
    }
    return yaml.safe_dump(content)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    # The API server finds the public part of its service account key in this form only.
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
