"""Files of a repository on a Hugging Face hub, at one commit.

Two documented endpoints are all that is used (`/api/models/…/revision/…?blobs=true` and
`/…/resolve/…`), through the one downloader, so that resuming, proxies, authorities and
verification are the same as for every other source.
"""

from __future__ import annotations

import json
from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, Field, ValidationError

from model_tools.content import Expected
from model_tools.download import Downloader
from model_tools.errors import FetchError
from model_tools.source_spec import HubFile, HubSource
from model_tools.sources.plan import Plan, Remote, plan_of


class _Lfs(BaseModel):
    sha256: str
    size: int


class _Sibling(BaseModel):
    rfilename: str
    size: int | None = None
    blob_id: Annotated[str | None, Field(alias="blobId")] = None
    lfs: _Lfs | None = None


class _Revision(BaseModel):
    sha: str
    siblings: list[_Sibling]


def plan(source: HubSource, downloader: Downloader) -> Plan:
    known: dict[str, _Sibling] = {}
    if any(file.sha256 is None or file.bytes is None for file in source.files):
        known = _metadata(source, downloader)
    base = f"{downloader.network.hub_url}/{source.repository}/resolve/{source.revision}"
    remotes = [Remote(f"{base}/{quote(file.name)}", _expected(source, file, known)) for file in source.files]
    return plan_of(remotes, downloader)


def _metadata(source: HubSource, downloader: Downloader) -> dict[str, _Sibling]:
    hub = downloader.network.hub_url
    url = f"{hub}/api/models/{source.repository}/revision/{source.revision}?blobs=true"
    response = downloader.get(url)
    try:
        revision = _Revision.model_validate(response.json())
    except (ValidationError, json.JSONDecodeError, ValueError):
        raise FetchError(
            downloader.network.redact(hub),
            "does not answer like a model hub",
            "check hubEndpoint in the network configuration",
        ) from None
    if revision.sha != source.revision:
        raise FetchError(
            source.repository,
            f"the hub answers with commit {revision.sha}",
            f"pin a full commit id (wanted {source.revision})",
        )
    return {sibling.rfilename: sibling for sibling in revision.siblings}


def _expected(source: HubSource, file: HubFile, known: dict[str, _Sibling]) -> Expected:
    if file.sha256 is not None and file.bytes is not None:
        return Expected(file.name, file.bytes, file.sha256)
    sibling = known.get(file.name)
    if sibling is None:
        raise FetchError(
            f"{source.repository}: {file.name}",
            f"is not in commit {source.revision}",
            "check the file's name",
        )
    lfs = sibling.lfs
    size = file.bytes if file.bytes is not None else (lfs.size if lfs else sibling.size)
    if file.sha256 is not None:
        return Expected(file.name, size, file.sha256)
    if lfs is not None:
        return Expected(file.name, size, lfs.sha256)
    if sibling.blob_id is None or size is None:
        raise FetchError(
            f"{source.repository}: {file.name}",
            "the hub tells no checksum of it",
            "write its sha256 into the catalog",
        )
    return Expected(file.name, size, None, sibling.blob_id)
