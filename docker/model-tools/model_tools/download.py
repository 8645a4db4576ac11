"""One downloader for everything over HTTP: resumes, verifies, then renames.

`<target>.part` holds what came so far, `<target>.part.tag` the strong ETag it belongs to.
The hash starts over what the disk holds, so a part that a power cut damaged is noticed.
"""

from __future__ import annotations

from pathlib import Path

import requests

from model_tools.content import CHUNK, Content, Expected, content_of, settle
from model_tools.errors import FetchError
from model_tools.network import Network
from model_tools.patience import Patience, TransientError, raise_for_status
from model_tools.progress import Progress


class Downloader:
    def __init__(self, network: Network, patience: Patience | None = None) -> None:
        self.network, self.patience = network, patience or Patience()

    def get(self, url: str, headers: dict[str, str] | None = None) -> requests.Response:
        """A whole small answer (metadata), retried. Raises `FetchError`."""

        def attempt() -> requests.Response:
            with self._open(url, headers or {}) as response:
                raise_for_status(response)
                _ = response.content
                return response

        return self.patience.persist(url, attempt, lambda: 0, self.network.redact)

    def challenge(self, url: str, headers: dict[str, str]) -> str:
        """What the server asks for (WWW-Authenticate) before it answers, or nothing."""

        def attempt() -> str:
            with self._open(url, headers) as response:
                if response.status_code != 401:
                    raise_for_status(response)
                return response.headers.get("WWW-Authenticate", "")

        return self.patience.persist(url, attempt, lambda: 0, self.network.redact)

    def fetch(self, url: str, target: Path, expected: Expected, headers: dict[str, str] | None = None) -> str:
        """Bring `url` to `target` and return its sha256. An intact `target` is kept."""
        if target.exists():
            content = content_of(target, expected)
            if content.problem() is None:
                return content.sha256
            target.unlink()
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")

        def attempt() -> Content:
            return self._continue(url, part, expected, headers or {})

        def size() -> int:
            return part.stat().st_size if part.exists() else 0

        content = self.patience.persist(url, attempt, size, self.network.redact)
        settle(part, target)
        _tag_file(part).unlink(missing_ok=True)
        return content.sha256

    def _open(self, url: str, headers: dict[str, str]) -> requests.Response:
        patience = self.patience
        return self.network.session.get(
            url,
            stream=True,
            headers={"Accept-Encoding": "identity", **headers},
            timeout=(patience.connect_seconds, patience.stall_seconds),
        )

    def _continue(self, url: str, part: Path, expected: Expected, headers: dict[str, str]) -> Content:
        """One attempt: from where the part ends. Returns verified content or raises."""
        content = content_of(part, expected) if part.exists() else Content(expected)
        resumed = content.size > 0
        if expected.bytes is None or content.size < expected.bytes or content.size == 0:
            content = self._transfer(url, part, content, headers)
        problem = content.problem()
        if problem is None:
            return content
        part.unlink(missing_ok=True)
        if resumed:
            raise TransientError(f"what was resumed {problem}; starting over")
        raise FetchError(self.network.redact(url), f"{expected.name} {problem}", "check the source's sha256")

    def _transfer(self, url: str, part: Path, content: Content, headers: dict[str, str]) -> Content:
        expected, tag = content.expected, _tag_file(part)
        if content.size:
            headers = {**headers, "Range": f"bytes={content.size}-"}
            if tag.exists():
                headers["If-Range"] = tag.read_text("utf-8")
        with self._open(url, headers) as response:
            if response.status_code == 416:
                part.unlink(missing_ok=True)
                raise TransientError("the server has no such range; starting over")
            raise_for_status(response)
            if not _continues(response, content.size):
                content = Content(expected)
            total = _total(response, content.size)
            if None not in (total, expected.bytes) and total != expected.bytes:
                problem = f"{expected.name} has {total} bytes instead of {expected.bytes}"
                raise FetchError(self.network.redact(url), problem, "check the source")
            _remember_tag(response, tag)
            progress = Progress(f"fetch {expected.name}", total, already=content.size)
            with part.open("ab" if content.size else "wb") as file:
                # read1 returns what is there: a kill loses at most what was on its way.
                while chunk := response.raw.read1(CHUNK):
                    file.write(chunk)
                    content.update(chunk)
                    progress.add(len(chunk))
                    if total is not None and content.size > total:
                        break
            progress.finish()
        if total is not None and content.size < total:
            raise TransientError(f"the connection ended at {content.size} of {total} bytes")
        return content


def _tag_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.tag")


def _continues(response: requests.Response, size: int) -> bool:
    """Whether the answer goes on where the part ends; otherwise it is the whole file."""
    if response.status_code != 206:
        return False
    start = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    if start != str(size):
        raise TransientError(f"asked for the range from {size}, got from {start or 'nowhere'}")
    return True


def _total(response: requests.Response, done: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return done + int(length) if length.isdigit() else None


def _remember_tag(response: requests.Response, tag: Path) -> None:
    """Only a strong ETag can promise that two ranges belong to one file (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag", "")
    if etag.startswith('"'):
        tag.write_text(etag, "utf-8")
    else:
        tag.unlink(missing_ok=True)
