"""Running a program against an engine, and turning what goes wrong into one message."""

import os
import sys
import traceback
from pathlib import Path
from typing import Any

from rehearsal.config.configuration import Config
from rehearsal.config.project import Project
from rehearsal.engine.core import BaseEngine
from rehearsal.errors import ExitCode, RehearsalError, exit_code_of
from rehearsal.program.monitor import Messages, Monitor
from rehearsal.program.sdk import Program, is_plain_program_error, run_program


class ProgramFailedError(Exception):
    """The program raised; the message names the error and the line of the program it came from."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def run(
    project: Project,
    stack: str,
    config: Config,
    engine: BaseEngine,
    *,
    dry_run: bool,
    parallel: int,
) -> None:
    """Run the project's program to its end. Raises ProgramFailedError or RehearsalError."""
    program = Program(
        path=project.program,
        project=project.name,
        stack=stack,
        root=project.root,
        config=config.values,
        secret_keys=config.secret_keys,
        dry_run=dry_run,
        parallel=parallel,
    )
    try:
        run_program(program, Monitor(engine), Messages(engine))
    except RehearsalError:
        raise
    except SystemExit as ended:
        if ended.code not in (None, 0):
            code = ended.code if isinstance(ended.code, int) else int(ExitCode.UPDATE)
            raise ProgramFailedError(f"the program ended with {ended.code}", code) from ended
    except Exception as error:
        text = _message(error, project.root)
        if engine.failures:
            text += f"\n{summary(engine)}"
        raise ProgramFailedError(text, _code(error)) from error
    if engine.failures:
        raise ProgramFailedError(summary(engine), int(ExitCode.UPDATE))


def summary(engine: BaseEngine) -> str:
    """What failed and what was left out because of it."""
    lines = [f"{len(engine.failures)} failed:"]
    lines += [f"  {urn.rsplit('::', 1)[-1]}: {text}" for urn, text in sorted(engine.failures.items())]
    if engine.skipped:
        names = ", ".join(sorted(urn.rsplit("::", 1)[-1] for urn in engine.skipped))
        lines.append(f"not tried, because they depend on it: {names}")
    return "\n".join(lines)


def _code(error: Exception) -> int:
    # The SDK's config errors are about what the user configured, not about the update.
    is_config = type(error).__module__ == "pulumi.config"
    return int(ExitCode.CONFIG) if is_config else exit_code_of(error)


def _message(error: Exception, root: Path) -> str:
    if is_plain_program_error(error) or hasattr(error, "exit_code"):
        return str(error)
    frames = [
        each
        for each in traceback.extract_tb(error.__traceback__)
        if Path(each.filename).is_relative_to(root) and "site-packages" not in each.filename
    ]
    place = f" (at {frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def keep_stdout_for_results() -> Any:
    """The real standard output as a file; whatever the program prints goes to standard error instead."""
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout.flush()
    os.dup2(2, 1)
    return results
