"""`make lock-models`: asks the hub what the catalog leaves open, and writes catalog/models.lock.yaml.

Each repository is written as soon as it is known, so an interrupted run loses nothing; running again
changes only what changed on the hub.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from catalog import models as catalog
from catalog.errors import DownloadError, KitError
from catalog.lock import (
    LOCK_FILE,
    LockedRepository,
    matches,
    read_lock,
    refuse_contradiction,
    wanted_of,
    write_lock,
)
from catalog.sources import HubSource
from ops.hub import Hub, UnavailableError, hub
from ops.say import step


@dataclass
class Wanted:
    """What the catalog wants of one repository, all models together."""

    revision: str | None = None
    names: set[str] = field(default_factory=set)
    sources: list[HubSource] = field(default_factory=list)
    models: set[str] = field(default_factory=set)


def lock_models(names: Sequence[str] = ()) -> None:
    """Lock the repositories of these models, or of all. Prints what changed, last how many are locked."""
    client = hub()
    try:
        update(client, catalog.read(), names)
    finally:
        client.close()


def update(
    client: Hub, models: Mapping[str, catalog.Model], names: Sequence[str] = (), path: Path = LOCK_FILE
) -> None:
    """Ask for each repository and write the lock.

    A refused repository does not stop the others; DownloadError at the end names all that were.
    """
    for name in names:
        catalog.find(name, models)
    wanted = wanted_repositories(models.values())
    chosen = [repository for repository, each in wanted.items() if not names or each.models & set(names)]
    lock = dict(read_lock(path))
    if not names:
        _forget(lock, set(lock) - set(wanted), path)
    refused: list[KitError] = []
    for number, repository in enumerate(chosen, 1):
        step(f"{number}/{len(chosen)} {repository}")
        before = lock.get(repository)
        try:
            now = resolve(client, repository, wanted[repository], before)
        except UnavailableError:
            raise
        except KitError as error:
            refused.append(error)
            continue
        if now != before:
            lock[repository] = now
            write_lock(lock, path)
        print(f"{repository}: {difference(before, now)}")
    print(f"{len(chosen) - len(refused)} of {len(chosen)} repositories locked")
    if refused:
        raise _together(refused)


def _forget(lock: dict[str, LockedRepository], gone: Iterable[str], path: Path) -> None:
    for repository in sorted(gone):
        del lock[repository]
        write_lock(lock, path)
        print(f"{repository}: not in the catalog any more, removed")


def wanted_repositories(models: Iterable[catalog.Model]) -> dict[str, Wanted]:
    """Every hub repository of the catalog by name, sorted. Raises KitError for two revisions of one."""
    found: dict[str, Wanted] = {}
    for model in models:
        for source in (variant.source for variant in model.variants.values()):
            if source.kind != "hf":
                continue
            each = found.setdefault(source.repository, Wanted())
            if None not in (each.revision, source.revision) and each.revision != source.revision:
                raise KitError(
                    f"{source.repository} in catalog/models",
                    f"is pinned at {each.revision} and at {source.revision}",
                    "Pin one revision of a repository.",
                )
            each.revision = each.revision or source.revision
            each.names |= wanted_of(source)
            each.sources.append(source)
            each.models.add(model.name)
    return dict(sorted(found.items()))


def resolve(
    client: Hub, repository: str, wanted: Wanted, before: LockedRepository | None
) -> LockedRepository:
    """What the hub has of it now. Raises DownloadError for a pattern that no file fits."""
    listing = client.listing(repository, wanted.revision)
    names = tuple(sorted(wanted.names))
    if before is not None and (before.revision, before.wanted) == (listing.sha, names):
        return before
    present = {each.rfilename: each for each in listing.siblings}
    for source in wanted.sources:
        named = [file.name for file in source.files if file.name not in present]
        if named or not any(matches(name, wanted_of(source)) for name in present):
            raise DownloadError(
                f"{', '.join(named or sorted(wanted_of(source)))} of {repository}",
                f"commit {listing.sha} has no such file, it has {', '.join(sorted(present)[:12])}",
                "Correct the file's name in catalog/models.",
            )
    files = [
        client.file(repository, listing.sha, present[name])
        for name in sorted(present)
        if matches(name, names) and present[name].size > 0
    ]
    for source in wanted.sources:
        for file in files:
            refuse_contradiction(source, file)
    return LockedRepository(revision=listing.sha, wanted=names, files=tuple(files))


def difference(before: LockedRepository | None, now: LockedRepository) -> str:
    """What a reader of the lock's diff wants to know, in a line."""
    if before is None:
        return f"locked at {now.revision[:12]}, {len(now.files)} files"
    if before == now:
        return "unchanged"
    old = {file.name: file.sha256 for file in before.files}
    new = {file.name: file.sha256 for file in now.files}
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    moved = f"from {before.revision[:12]} to {now.revision[:12]}"
    return f"{moved}, {'changed: ' + ', '.join(changed) if changed else 'the same files'}"


def _together(refused: Sequence[KitError]) -> DownloadError:
    if len(refused) == 1:
        only = refused[0]
        return DownloadError(only.value, only.limit, only.next_step)
    lines = "".join(f"\n  {error}" for error in refused)
    return DownloadError(f"{len(refused)} repositories", f"could not be locked:{lines}\n", "The others are.")
