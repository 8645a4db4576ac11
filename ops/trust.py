"""What this machine needs to reach package indexes: authorities, proxies, index mirror.

A company's TLS inspection, proxy or mirror is set up on the machine once; builds and downloads in
containers do not see it. The kit finds it and hands it on, to build stages and download jobs only.
"""

import os
import ssl
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stacks.config import PROXY_NAMES

SYSTEM_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
ANCHOR_FOLDERS = ("/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors")
GO_VARIABLES = ("GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB")
BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")


@dataclass(frozen=True)
class Trust:
    """`authorities` is PEM, possibly empty; `downloads` may hold credentials."""

    authorities: str = ""
    downloads: Mapping[str, str] = field(default_factory=dict, repr=False)
    go: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where Go modules come from, under Go's own names; for build stages."""

    @property
    def needed(self) -> bool:
        """Whether this machine differs from one with nothing in between."""
        return bool(self.authorities or self.downloads or self.go)


def find(environment: Mapping[str, str] | None = None) -> Trust:
    """Look at the usual places of the machine."""
    variables = os.environ if environment is None else environment
    return Trust(_authorities(variables), _downloads(variables), _go(variables))


def system_trust() -> ssl.SSLContext:
    """What the machine trusts, for this process's own requests (httpx would trust its own list)."""
    return ssl.create_default_context()


def _authorities(variables: Mapping[str, str]) -> str:
    files = [
        path
        for folder in ANCHOR_FOLDERS
        if Path(folder).is_dir()
        for path in sorted(Path(folder).rglob("*"))
        if path.suffix in (".crt", ".pem")
    ]
    system = {os.path.realpath(bundle) for bundle in SYSTEM_BUNDLES}
    named = (variables.get(name) for name in BUNDLE_VARIABLES)
    files += [Path(name) for name in named if name and os.path.realpath(name) not in system]
    return "".join(_unique(_certificates(files)))


def _certificates(files: Iterable[Path]) -> Iterable[str]:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    for path in files:
        if path.is_file():
            for part in path.read_text(errors="replace").split(begin)[1:]:
                yield f"{begin}{part.partition(end)[0]}{end}\n"


def _unique(items: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(items)


def _downloads(variables: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    index = variables.get("PIP_INDEX_URL") or _pip_setting("index-url")
    if index:
        found["indexUrl"] = index
    for key, name in PROXY_NAMES.items():
        value = variables.get(name) or variables.get(name.lower())
        if value:
            # The usual short form names no scheme.
            found[key] = value if key == "noProxy" or "://" in value else f"http://{value}"
    return found


def _go(variables: Mapping[str, str]) -> dict[str, str]:
    """What the environment says, and what `go env -w` wrote."""
    file = Path(variables.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "go" / "env"
    lines = file.read_text().splitlines() if file.is_file() else []
    written = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    found = {name: variables.get(name) or written.get(name) for name in GO_VARIABLES}
    return {name: value for name, value in found.items() if value}


def _pip_setting(name: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", f"global.{name}"],
        text=True,
        capture_output=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else ""
