"""The verbs that need no target: render and diff."""

import json
from pathlib import Path
from typing import Any, TextIO

from rehearsal.commands.session import Session
from rehearsal.diffs import diff_renderings, show_value
from rehearsal.engine.rendering import RenderEngine
from rehearsal.errors import RehearsalError
from rehearsal.program.runs import run

# An address without blanks: programs may ask that of a secret before they register anything.
_PLACEHOLDER = "https://no-passphrase.invalid/"


def rendering(session: Session) -> dict[str, Any]:
    """The document of `render --json`; secrets masked. Without a passphrase they are placeholders."""
    config = session.config(placeholder=_PLACEHOLDER)
    if config.secret_keys and not session.vault.is_open:
        session.write(f"   no passphrase: {', '.join(config.secret_keys)} rendered with placeholders")
    engine = RenderEngine(session.project.name, session.stack, config.values, session.write)
    run(session.project, session.stack, config, engine, dry_run=True, parallel=session.parallel)
    return engine.document(session.digest())


def render(session: Session, out: TextIO, *, as_json: bool) -> int:
    """All resources the program registers."""
    document = rendering(session)
    if as_json:
        json.dump(document, out, indent=2)
        out.write("\n")
        return 0
    for each in document["resources"]:
        out.write(f"{each['name']} ({each['type']})\n")
        for key in sorted(each["inputs"]):
            out.write(f"    {key}: {show_value(each['inputs'][key])}\n")
    out.write(f"{len(document['resources'])} resources\n")
    return 0


def diff(session: Session | None, files: list[Path], out: TextIO) -> int:
    """Two saved renders, or one against the program as it is now. Exit 0 either way."""
    documents = [_load(each) for each in files]
    if len(documents) == 1 and session is not None:
        documents.append(rendering(session))
    lines = diff_renderings(documents[0], documents[1])
    out.writelines(f"{line}\n" for line in lines or ["no difference"])
    return 0


def _load(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not {"resources", "outputs"} <= set(document):
            raise ValueError("no resources in it")
    except (OSError, ValueError, TypeError) as error:
        raise RehearsalError(
            f"{path} cannot be read ({error!r})",
            "it is the output of `render --json`",
            "render again",
        ) from error
    return document
