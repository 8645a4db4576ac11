"""Makes the store hold what a specification names: keep, continue, fetch, convert, publish."""

from __future__ import annotations

import shutil
from pathlib import Path

from model_tools import sources
from model_tools.convert import check_converter, convert, scratch_bytes
from model_tools.download import Downloader
from model_tools.manifest import Manifest
from model_tools.progress import megabytes, say
from model_tools.spec import Spec
from model_tools.store import Store

LOCK_SECONDS = 3600.0


def ensure(
    store: Store,
    spec: Spec,
    downloader: Downloader,
    *,
    thorough: bool = False,
    lock_seconds: float = LOCK_SECONDS,
) -> None:
    """Idempotent. Without `thorough`, files that were not touched are not hashed again."""
    if store.problem(spec, thorough=thorough) is None:
        say(f"kept {spec.path}")
        return
    with store.lock(lock_seconds):
        problem = store.problem(spec, thorough=thorough)
        if problem is None:
            say(f"kept {spec.path}")
            return
        if store.folder(spec).exists():
            say(f"damaged {spec.path}: {problem}; fetching it again")
            store.discard(store.folder(spec))
        if spec.convert is not None:
            check_converter(spec.convert)
        manifest = _make(store, spec, downloader)
    size = sum(file.bytes for file in manifest.files)
    say(f"ready {spec.path}: {len(manifest.files)} files, {megabytes(size)}")


def _make(store: Store, spec: Spec, downloader: Downloader) -> Manifest:
    work = store.work(spec)
    store.sweep(keep=work)
    plan = sources.plan(spec.source, downloader)
    scratch = scratch_bytes(spec.convert, plan.file_bytes)
    store.reserve(max(plan.peak_bytes, plan.file_bytes + scratch), keep=work)
    source = work / "source"
    source.mkdir(parents=True, exist_ok=True)
    plan.bring(source)
    ready = convert(spec.convert, source, work) if spec.convert else source
    if spec.convert is None:
        _keep_only(source, {file.name for file in spec.source.files})
    manifest = store.publish(spec, ready)
    shutil.rmtree(work)
    return manifest


def _keep_only(folder: Path, names: set[str]) -> None:
    """Remove what an earlier, killed run may have left beside the wanted files."""
    for path in folder.rglob("*"):
        if path.is_file() and str(path.relative_to(folder)) not in names:
            path.unlink()
