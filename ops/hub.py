"""A client of the model hub's documented API: which commit, which files, and the small ones themselves.

Answers are checked and bounded; a cut connection, a 429 and a 5xx are tried again. The token comes from a
file only, as the hub's own tools keep it, and is sent to no other address.
"""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, Field, ValidationError

from catalog.errors import DownloadError, KitError
from catalog.sources import File, Sha256
from ops.say import step
from ops.trust import system_trust

DEFAULT_ENDPOINT = "https://huggingface.co"
LISTING_BYTES = 16 * 1024 * 1024
SMALL_BYTES = 32 * 1024 * 1024
"""Files that git holds itself are downloaded to be hashed; the hub wants larger ones (10 MB) in LFS."""
ATTEMPTS = 6
LONGEST_WAIT = 300.0
"""Seconds; a hub that asks for more is left alone."""


class UnavailableError(DownloadError):
    """The hub does not answer, or not to us: asking for another repository is of no use."""


class _Lfs(BaseModel):
    sha256: Sha256
    size: Annotated[int, Field(ge=0)]


class Sibling(BaseModel):
    """A file of a repository as `?blobs=true` lists it."""

    rfilename: str
    size: Annotated[int, Field(ge=0)]
    blob_id: Annotated[str, Field(alias="blobId", pattern=r"^[0-9a-f]{40}$")]
    lfs: _Lfs | None = None


class Listing(BaseModel):
    """A repository at one commit."""

    sha: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    siblings: tuple[Sibling, ...]


class Hub:
    """The hub at `endpoint`. `pause` is how it waits, in seconds."""

    def __init__(
        self, endpoint: str, token: str | None = None, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._pause = pause
        parts = urlsplit(self._endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise KitError("HF_ENDPOINT", "is no plain https:// address", f"Unset it for {DEFAULT_ENDPOINT}.")
        if token and parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise KitError("HF_ENDPOINT", "the token would travel unencrypted", "Use an https:// address.")
        self._client = httpx.Client(
            verify=system_trust(),
            timeout=30,
            follow_redirects=True,
            headers={"authorization": f"Bearer {token}"} if token else {},
        )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def listing(self, repository: str, revision: str | None) -> Listing:
        """The files at that commit, or at the newest of the main branch."""
        path = f"/api/models/{repository}/revision/{revision or 'main'}?blobs=true"
        body = self._get(repository, path, LISTING_BYTES)
        try:
            found = Listing.model_validate_json(body)
        except ValidationError as error:
            raise UnavailableError(
                f"{self._endpoint}{path}",
                "does not answer like a model hub",
                "Check HF_ENDPOINT and what lies between this machine and the hub.",
            ) from error
        if revision not in (None, found.sha):
            raise DownloadError(
                f"{repository} at {revision}",
                f"the hub answers with {found.sha}",
                "Name a full commit id of the repository in catalog/models.",
            )
        return found

    def file(self, repository: str, revision: str, sibling: Sibling) -> File:
        """Name, size and SHA-256 of a file: from the listing, or of what is downloaded and verified."""
        name = sibling.rfilename
        if sibling.lfs is not None:
            return File(name=name, bytes=sibling.lfs.size, sha256=sibling.lfs.sha256)
        content = self._get(repository, f"/{repository}/resolve/{revision}/{quote(name)}", SMALL_BYTES)
        # What git names a blob by, so that the file is the one of this commit.
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
        if blob.hexdigest() != sibling.blob_id:
            raise DownloadError(
                f"{repository}: {name}", f"is not blob {sibling.blob_id} of the commit", "Run it again."
            )
        return File(name=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())

    def _get(self, repository: str, path: str, limit: int) -> bytes:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._once(repository, path, limit)
            except (httpx.TransportError, _TryAgainError) as error:
                if attempt == ATTEMPTS:
                    raise UnavailableError(
                        f"{self._endpoint}{path}",
                        f"did not answer in {ATTEMPTS} attempts ({error or type(error).__name__})",
                        "Run it again later; what was found is in the lock.",
                    ) from error
                seconds = self._wait_for(error, attempt)
                step(f"{repository}: {error or type(error).__name__}; again in {seconds:.0f} s")
                self._pause(seconds)
        raise AssertionError("unreachable")

    def _wait_for(self, error: Exception, attempt: int) -> float:
        """Seconds: what the hub asks for, else 1, 2, 4 and so on."""
        asked = error.seconds if isinstance(error, _TryAgainError) else None
        if asked is not None and asked > LONGEST_WAIT:
            raise UnavailableError(
                self._endpoint,
                f"{error} and asks to wait {asked:.0f} s",
                "Run it again then; what was found is in the lock.",
            )
        return 2.0 ** (attempt - 1) if asked is None else asked

    def _once(self, repository: str, path: str, limit: int) -> bytes:
        with self._client.stream("GET", self._endpoint + path) as response:
            if response.status_code == 429 or response.status_code >= 500:
                raise _TryAgainError(response)
            if not response.is_success:
                raise _refusal(repository, response)
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > limit:
                    raise DownloadError(
                        f"{repository}: {path}",
                        f"is larger than {limit} bytes",
                        "Leave it out of the patterns.",
                    )
            return bytes(content)


class _TryAgainError(Exception):
    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"the hub answers {response.status_code}")
        wait = response.headers.get("retry-after", "")
        self.seconds = float(wait) if wait.isdecimal() else None


def _refusal(repository: str, response: httpx.Response) -> DownloadError:
    """What a 4xx of the hub means; it names the reason in X-Error-Code."""
    reason, status = response.headers.get("x-error-code", ""), response.status_code
    if reason == "GatedRepo" or (status in (401, 403) and reason != "RepoNotFound"):
        return DownloadError(
            f"{repository} on the hub",
            f"is given only to those who accepted its licence ({status})",
            f"Accept the licence at {DEFAULT_ENDPOINT}/{repository}, then put a token of that account into "
            f"{token_file()}.",
        )
    return DownloadError(
        f"{repository} on the hub",
        f"is not there, or is private ({status} {reason})".replace(" )", ")"),
        "Check its name and revision in catalog/models.",
    )


def token_file() -> Path:
    """Where the hub's own tools keep the token: `$HF_HOME/token`, by default in ~/.cache/huggingface."""
    home = os.environ.get("HF_HOME")
    return (Path(home) if home else Path.home() / ".cache" / "huggingface") / "token"


def hub() -> Hub:
    """The hub that HF_ENDPOINT names, with the token of this machine where there is one."""
    return Hub(os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT, local_token())


def local_token() -> str | None:
    """The token of this machine, where there is one."""
    path = token_file()
    return (path.read_text("utf-8").strip() if path.is_file() else None) or None
