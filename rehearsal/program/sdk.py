"""The only module that touches the inside of the Pulumi SDK; the SDK is pinned to the version it was read in.

Other modules take the generated protocol from here. No public way exists to put an engine of one's own
behind a program: `set_mocks` finishes the stack before the program runs and makes wrong URNs.
"""

import asyncio
import contextvars
import logging
import os
import runpy
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import Settings, configure, set_all_config
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS as CHANNEL_OPTIONS
from pulumi.runtime.proto import (
    callback_pb2,
    callback_pb2_grpc,
    engine_pb2,
    resource_pb2,
    resource_pb2_grpc,
)
from pulumi.runtime.stack import run_in_stack

from rehearsal.errors import RehearsalError

__all__ = [
    "CHANNEL_OPTIONS",
    "SDK_VERSION",
    "Program",
    "callback_pb2",
    "callback_pb2_grpc",
    "engine_pb2",
    "require_sdk",
    "resource_pb2",
    "resource_pb2_grpc",
    "run_program",
]

SDK_VERSION = "3.272.0"


def require_sdk() -> None:
    """Refuse any other version: what this module relies on may have changed."""
    found = version("pulumi")
    if found != SDK_VERSION:
        raise RehearsalError(
            f"the Pulumi SDK {found} is installed",
            f"the rehearsal relies on internals of exactly {SDK_VERSION}",
            f"install pulumi=={SDK_VERSION} from the project's lock file",
        )


@dataclass(frozen=True)
class Program:
    """A Pulumi program and what it is told about itself. Config keys are whole: `project:key`."""

    path: Path
    project: str
    stack: str
    root: Path
    config: Mapping[str, str]
    secret_keys: tuple[str, ...]
    dry_run: bool
    parallel: int = 16


def run_program(program: Program, monitor: Any, engine: Any) -> None:
    """Run the program to its end in this process; raises what it raises. Once per process only.

    The number of operations at the same time is the size of the loop's default executor.
    """
    os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "1"
    # As the real language host: in the program's folder, which its own modules are imported from.
    folder = program.path if program.path.is_dir() else program.path.parent
    if folder.is_dir():
        os.chdir(folder)
        sys.path.insert(0, str(folder))
    sys.argv = [str(program.path)]
    # asyncio complains about futures that a failed program never awaited; the SDK's own host mutes it too.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=program.parallel)
    loop.set_default_executor(executor)
    try:
        contextvars.copy_context().run(_run, loop, program, monitor, engine)
    finally:
        executor.shutdown(wait=True)
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, program: Program, monitor: Any, engine: Any) -> None:
    set_all_config(dict(program.config), list(program.secret_keys))
    configure(
        Settings(
            project=program.project,
            stack=program.stack,
            monitor=monitor,
            engine=engine,
            parallel=program.parallel,
            dry_run=program.dry_run,
            organization="organization",
            root_directory=str(program.root),
        )
    )
    main = program.path / "__main__.py" if program.path.is_dir() else program.path
    if not main.is_file():
        raise RehearsalError(
            f"no program at {main}",
            "a Python Pulumi project has one",
            "check `main` in Pulumi.yaml",
        )

    def body() -> None:
        runpy.run_path(str(program.path), run_name="__main__")

    loop.run_until_complete(run_in_stack(body))


def is_plain_program_error(error: BaseException) -> bool:
    """Whether the program itself asked to stop with a message (`pulumi.RunError` and its kind)."""
    return isinstance(error, pulumi.RunError)
