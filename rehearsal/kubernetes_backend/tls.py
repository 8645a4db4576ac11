"""Authorities, certificates and keys of a kubeconfig, inline or in files."""

import base64
import binascii
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rehearsal.backend import RefusedError


def context_of(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext:
    """What a cluster and a user of a kubeconfig say about TLS. Raises RefusedError."""
    authority = content(cluster, "certificate-authority")
    try:
        context = ssl.create_default_context(cadata=authority) if authority else ssl.create_default_context()
        if cluster.get("insecure-skip-tls-verify"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        certificate, key = content(user, "client-certificate"), content(user, "client-key")
        if certificate and key:
            load_client(context, certificate + "\n" + key)
    except ssl.SSLError as error:
        raise RefusedError(
            f"a certificate or key in the kubeconfig cannot be used ({error.reason}). Next step: renew it"
        ) from error
    return context


def load_client(context: ssl.SSLContext, pem: str) -> None:
    """Show this certificate (PEM, with its key) from the next connection on."""
    # Python's ssl reads client certificates from files only; this one is mode 0600 and gone at once.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)


def content(entry: Mapping[str, Any], key: str) -> str | None:
    """What is inline (base64) goes before what is in a file."""
    try:
        if entry.get(f"{key}-data"):
            return base64.b64decode(entry[f"{key}-data"], validate=True).decode()
        return Path(entry[key]).read_text() if entry.get(key) else None
    except (binascii.Error, UnicodeDecodeError) as error:
        raise RefusedError(
            f"the kubeconfig's {key}-data is not base64 of PEM. Next step: renew it"
        ) from error
    except OSError as error:
        raise RefusedError(
            f"the kubeconfig's {key} {entry[key]} cannot be read ({error.strerror}). Next step: restore it"
        ) from error
