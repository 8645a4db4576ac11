"""Files that are layers of an artifact in a container registry (as `oras push` makes them).

The registry's API is three requests; through the one downloader a layer resumes, which the
client libraries for it do not do. Registries that want a password are not supported: an
anonymous token is fetched where one is asked for.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from model_tools.download import Downloader
from model_tools.errors import FetchError
from model_tools.source_spec import OciSource
from model_tools.sources.plan import Plan, Remote, expected, plan_of

ACCEPT = "application/vnd.oci.image.manifest.v1+json"
_LOOPBACK = re.compile(r"^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class _Reference:
    registry: str
    repository: str
    digest: str

    @property
    def base(self) -> str:
        # Plain HTTP on loopback only, which is what Docker does.
        scheme = "http" if _LOOPBACK.match(self.registry) else "https"
        return f"{scheme}://{self.registry}/v2/{self.repository}"


def plan(source: OciSource, downloader: Downloader) -> Plan:
    name, _, digest = source.reference.partition("@")
    registry, _, repository = name.partition("/")
    reference = _Reference(registry, repository, digest)
    headers = _token(reference, downloader)
    layers = _layers(reference, downloader, headers)
    remotes = []
    for file in source.files:
        layer = f"sha256:{file.sha256}"
        if layer not in layers:
            raise FetchError(
                source.reference,
                f"has no layer with sha256 {file.sha256} for {file.name}",
                "check the digest and the file's sha256",
            )
        remotes.append(Remote(f"{reference.base}/blobs/{layer}", expected(file), headers))
    return plan_of(remotes, downloader)


def _token(reference: _Reference, downloader: Downloader) -> dict[str, str]:
    url = f"{reference.base}/manifests/{reference.digest}"
    challenge = downloader.challenge(url, {"Accept": ACCEPT})
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() != "bearer":
        return {}
    fields = dict(_CHALLENGE.findall(rest))
    realm = fields.pop("realm", "")
    fields.setdefault("scope", f"repository:{reference.repository}:pull")
    query = "&".join(f"{key}={value}" for key, value in fields.items() if key != "error")
    answer = downloader.get(f"{realm}?{query}").json()
    token = answer.get("token") or answer.get("access_token")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _layers(reference: _Reference, downloader: Downloader, headers: dict[str, str]) -> frozenset[str]:
    url = f"{reference.base}/manifests/{reference.digest}"
    response = downloader.get(url, {"Accept": ACCEPT, **headers})
    found = f"sha256:{hashlib.sha256(response.content).hexdigest()}"
    if found != reference.digest:
        raise FetchError(url, f"the registry answers with {found}", "check the registry")
    try:
        return frozenset(layer["digest"] for layer in json.loads(response.content)["layers"])
    except (KeyError, TypeError, ValueError):
        raise FetchError(url, "is not an artifact with layers", "check the digest") from None
