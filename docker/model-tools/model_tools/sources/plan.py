"""What a source needs and how it is brought."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from model_tools.content import Expected
from model_tools.download import Downloader
from model_tools.source_spec import WantedFile


@dataclass(frozen=True)
class Plan:
    """`file_bytes` is what stays, `peak_bytes` what the volume holds at most meanwhile.

    A size that the source does not tell counts as 0; a full disk is then met while writing.
    """

    file_bytes: int
    peak_bytes: int
    bring: Callable[[Path], None]


@dataclass(frozen=True)
class Remote:
    """One file behind a URL."""

    url: str
    expected: Expected
    headers: dict[str, str] = field(default_factory=dict)


def expected(file: WantedFile) -> Expected:
    return Expected(name=file.name, bytes=file.bytes, sha256=file.sha256)


def plan_of(remotes: Sequence[Remote], downloader: Downloader) -> Plan:
    def bring(folder: Path) -> None:
        for remote in remotes:
            target = folder / remote.expected.name
            downloader.fetch(remote.url, target, remote.expected, remote.headers)

    total = sum(remote.expected.bytes or 0 for remote in remotes)
    return Plan(total, total, bring)
