"""The verbs that need the state: preview, up, refresh, down, output."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rehearsal.commands.session import Session
from rehearsal.diffs import show_value
from rehearsal.engine.deletions import delete_all
from rehearsal.engine.deployment import Deployment
from rehearsal.engine.operations import Preview, Update
from rehearsal.engine.refresh import refresh as refresh_all
from rehearsal.engine.repair import repair
from rehearsal.engine.report import Step
from rehearsal.errors import ExitCode, RehearsalError
from rehearsal.program.runs import ProgramFailedError, run
from rehearsal.state.entries import outputs_of
from rehearsal.state.lock import StateLock
from rehearsal.values import masked, plain

_INTERRUPTED = 130


def preview(session: Session, out: TextIO, *, as_json: bool, expect_none: bool, fresh: bool) -> int:
    """What `up` would do. 5 with `expect_none` when that is something."""
    operations = session.operations(preview=True)
    interrupted = len(operations.journal.pending())
    if interrupted:
        session.write(f"   {interrupted} operations were interrupted; `up` settles them first")
    if fresh:
        _refresh(operations, session)
        operations.reporter.steps.clear()
    deployment = _deploy(session, operations, dry_run=True)
    steps = sorted(operations.reporter.steps, key=lambda step: step.urn)
    if as_json:
        found = {
            "steps": [step.as_json() for step in steps],
            "changeSummary": operations.reporter.counts(),
        }
        out.write(json.dumps(found, indent=2) + "\n")
    else:
        shown = [line for step in steps if step.op not in ("same", "read") for line in step.lines()]
        out.writelines(f"{line}\n" for line in [*shown, operations.reporter.summary(done=False)])
    _raise_failures(deployment.failures)
    changed = operations.reporter.has_changes()
    return int(ExitCode.UPDATE) if expect_none and changed else 0


def _deploy(session: Session, operations: Preview, *, dry_run: bool) -> Deployment:
    config = session.config()
    deployment = Deployment(
        session.project.name, session.stack, config.values, operations, session.referenced
    )
    with _interruptible(deployment, session):
        run(
            session.project,
            session.stack,
            config,
            deployment,
            dry_run=dry_run,
            parallel=session.parallel,
        )
        deployment.delete_rest(session.parallel)
    return deployment


@contextmanager
def _interruptible(deployment: Deployment, session: Session) -> Iterator[None]:
    """First signal: begin nothing new and finish what runs. Second: leave; the next run repairs."""

    def stop(_number: int, _frame: Any) -> None:
        if deployment.cancelled:
            os._exit(_INTERRUPTED)
        deployment.cancelled = True
        session.write("stopping after what is under way; interrupt again to leave at once")

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _started(session: Session) -> Update:
    operations = session.operations(preview=False)
    assert isinstance(operations, Update)
    operations.unsettled = repair(operations)
    return operations


def up(session: Session, out: TextIO, *, fresh: bool) -> int:
    """Make it so. Whatever fails, the state says what is there and the next run continues."""
    with StateLock(session.state):
        operations = _started(session)
        try:
            if fresh:
                _refresh(operations, session)
                operations.reporter.steps.clear()
            deployment = _deploy(session, operations, dry_run=False)
            _raise_failures({**operations.unsettled, **deployment.failures})
        except ProgramFailedError as error:
            hint = "\nwhat succeeded is kept; run `up` again to continue"
            raise ProgramFailedError(f"{error}{hint}", error.exit_code) from error
        finally:
            operations.journal.flush()
        session.write(operations.reporter.summary(done=True))
        for name, value in sorted(deployment.stack_outputs().items()):
            out.write(f"{name}: {show_value(value)}\n")
    return 0


def refresh(session: Session) -> int:
    """Make the state say what is there."""
    with StateLock(session.state):
        operations = _started(session)
        try:
            _refresh(operations, session)
        finally:
            operations.journal.flush()
        for step in sorted(operations.reporter.steps, key=lambda step: step.urn):
            if step.op != "same":
                session.write("\n".join(step.lines()))
        _raise_failures(operations.unsettled)
        session.write(operations.reporter.summary(done=True))
    return 0


def _refresh(operations: Preview, session: Session) -> None:
    _raise_failures(refresh_all(operations, session.parallel))


def down(session: Session) -> int:
    """Delete everything the state names; a protected resource stops it beforehand."""
    with StateLock(session.state):
        operations = _started(session)
        resources = operations.journal.left()
        protected = [each.urn for each in resources if each.protect]
        if protected:
            raise RehearsalError(
                f"{', '.join(protected)} would be deleted",
                "protected resources are not",
                "set protect=False in the program, run `up`, then `down`",
            )
        for each in resources:
            operations.reporter.add(Step("delete", each.urn))
        try:
            failures = delete_all(resources, operations.delete, session.parallel)
        finally:
            operations.journal.flush()
        _raise_failures({**operations.unsettled, **failures})
        session.write(operations.reporter.summary(done=True))
    return 0


def _raise_failures(failures: dict[str, str]) -> None:
    if failures:
        lines = [f"  {urn.rsplit('::', 1)[-1]}: {text}" for urn, text in sorted(failures.items())]
        text = "\n".join([f"{len(failures)} failed:", *lines])
        raise ProgramFailedError(text, int(ExitCode.UPDATE))


def output(session: Session, out: TextIO, name: str | None, *, show: bool, as_json: bool) -> int:
    """The stack's outputs as the state has them."""
    found = outputs_of(session.snapshot().resources)
    if name is not None and name not in found:
        raise RehearsalError(
            f"no output {name!r}", f"the stack has {', '.join(sorted(found)) or 'none'}", "run `up`"
        )
    shown = plain(found) if show else masked(found, lambda _: "[secret]")
    if name is not None:
        value = shown[name]
        out.write(value if isinstance(value, str) and not as_json else json.dumps(value))
    elif as_json:
        out.write(json.dumps(shown, indent=2, sort_keys=True))
    else:
        out.write("\n".join(f"{key}: {show_value(shown[key])}" for key in sorted(shown)))
    out.write("\n")
    return 0
