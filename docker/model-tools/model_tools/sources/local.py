"""Files of a mounted folder, for machines that nothing can be downloaded to."""

from __future__ import annotations

from pathlib import Path

from model_tools.content import Content, content_of, read_chunks, settle
from model_tools.errors import SpecError
from model_tools.progress import Progress
from model_tools.source_spec import FileSource, WantedFile
from model_tools.sources.plan import Plan, expected


def plan(source: FileSource) -> Plan:
    root = Path(source.root)
    for file in source.files:
        if not (root / file.name).is_file():
            raise SpecError(str(root / file.name), "is not there", "mount the folder read-only")

    def bring(folder: Path) -> None:
        for file in source.files:
            _copy(root / file.name, folder / file.name, file)

    total = sum(file.bytes for file in source.files)
    return Plan(total, total, bring)


def _copy(origin: Path, target: Path, file: WantedFile) -> None:
    wanted = expected(file)
    if target.exists() and content_of(target, wanted).problem() is None:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    content, progress = Content(wanted), Progress(f"copy {file.name}", file.bytes)
    with part.open("wb") as output:
        for chunk in read_chunks(origin):
            output.write(chunk)
            content.update(chunk)
            progress.add(len(chunk))
    progress.finish()
    content.check()
    settle(part, target)
