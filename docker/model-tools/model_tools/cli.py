"""Command line: ensure, verify, list, remove. Exit codes: 0, 2 spec, 3 host, 4 download."""

from __future__ import annotations

import argparse
import errno
import os
import re
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from model_tools import __version__
from model_tools.download import Downloader
from model_tools.ensure import LOCK_SECONDS, ensure
from model_tools.errors import HostError, SpecError, ToolError
from model_tools.manifest import Manifest
from model_tools.network import DEFAULT_CA_FILE, Network, NetworkConfig
from model_tools.patience import Patience
from model_tools.progress import megabytes, say
from model_tools.redact import Redactor
from model_tools.spec import Spec, read_spec
from model_tools.store import Store

DAMAGED = 4
MODEL_PATH = re.compile(r"^[a-z0-9][\w.-]*/[a-z0-9][\w.-]*/[0-9a-f]{16}$")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="model-tools", description="The kit's model store.")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", required=True)
    store = argparse.ArgumentParser(add_help=False)
    store.add_argument("--store", type=Path, default=Path("/models"), help="default /models")
    locking = argparse.ArgumentParser(add_help=False)
    locking.add_argument(
        "--lock-seconds", type=float, default=LOCK_SECONDS, help="wait for the store; default 3600"
    )
    wanted = "the wanted variant: JSON, or @FILE"
    make = commands.add_parser("ensure", parents=[store, locking], help="fetch, verify, convert")
    make.add_argument("--spec", required=True, help=wanted)
    make.add_argument("--verify", action="store_true", help="hash every file of a kept model too")
    make.add_argument("--network-config", type=Path, help="JSON: proxies, mirrors, credentials")
    make.add_argument("--ca-file", type=Path, help=f"extra authorities; default {DEFAULT_CA_FILE}")
    patience = Patience()
    make.add_argument("--attempts", type=int, default=patience.attempts)
    make.add_argument("--stall-seconds", type=float, default=patience.stall_seconds)
    make.add_argument("--backoff-seconds", type=float, default=patience.backoff_seconds)
    check = commands.add_parser("verify", parents=[store], help="hash every published file")
    check.add_argument("--spec", help=f"only this one, which has to be there: {wanted}")
    commands.add_parser("list", parents=[store], help="published models and unfinished work")
    remove = commands.add_parser("remove", parents=[store, locking], help="delete one model")
    remove.add_argument("path", help="<model>/<variant>/<id> as list prints it")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; expected errors become one line on stderr and an exit code."""
    # The first process of a container ignores SIGTERM unless it handles it.
    signal.signal(signal.SIGTERM, _stop)
    options = parser().parse_args(arguments)
    redact = Redactor()
    try:
        if options.command == "ensure":
            network = _network(options)
            redact = network.redact
            return _ensure(options, network)
        if options.command == "verify":
            return _verify(Store(options.store), read_spec(options.spec) if options.spec else None)
        if options.command == "list":
            return _list(Store(options.store))
        return _remove(Store(options.store), options.path, options.lock_seconds)
    except ToolError as error:
        return _fail(redact(str(error)), error.code)
    except OSError as error:
        problem = _host_error(error, options.store)
        return _fail(redact(str(problem)), problem.code)


def _stop(signum: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + signum)


def _fail(text: str, code: int) -> int:
    print(f"error: {text}", file=sys.stderr, flush=True)
    return code


def _host_error(error: OSError, store: Path) -> HostError:
    where = str(error.filename or store)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(store).free
        return HostError(where, f"disk full, {megabytes(free)} free", "free space, then run again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        limit = f"{os.strerror(error.errno)} for user {os.getuid()}"
        return HostError(where, limit, "make the store writable for that user")
    return HostError(where, str(error), "check the volume, then run again")


def _network(options: argparse.Namespace) -> Network:
    ca_file = options.ca_file
    if ca_file is None and DEFAULT_CA_FILE.exists():
        ca_file = DEFAULT_CA_FILE
    return Network(NetworkConfig.read(options.network_config), ca_file)


def _ensure(options: argparse.Namespace, network: Network) -> int:
    if options.attempts < 1 or min(options.stall_seconds, options.backoff_seconds) <= 0:
        raise SpecError("--attempts, --stall-seconds, --backoff-seconds", "are above 0", "raise it")
    patience = Patience(options.attempts, options.stall_seconds, options.backoff_seconds)
    ensure(
        Store(options.store),
        read_spec(options.spec),
        Downloader(network, patience),
        thorough=options.verify,
        lock_seconds=options.lock_seconds,
    )
    return 0


def _verify(store: Store, spec: Spec | None) -> int:
    if spec is not None:
        problems = {spec.path: store.problem(spec, thorough=True)}
    else:
        problems = {path: _damage(folder) for path, folder in store.published()}
    for path, problem in problems.items():
        say(f"damaged {path}: {problem}" if problem else f"ok {path}")
    return DAMAGED if any(problems.values()) else 0


def _damage(folder: Path) -> str | None:
    manifest = Manifest.read(folder)
    return manifest.problem(folder, thorough=True) if manifest else "has no readable manifest"


def _list(store: Store) -> int:
    for path, folder in store.published():
        manifest = Manifest.read(folder)
        size = sum(file.bytes for file in manifest.files) if manifest else 0
        say(f"{path}\t{megabytes(size)}\t{'ready' if manifest else 'unreadable manifest'}")
    for entry in store.unfinished():
        say(f".work/{entry.name}\t\tunfinished")
    return 0


def _remove(store: Store, path: str, lock_seconds: float) -> int:
    folder = store.root / path
    if not MODEL_PATH.match(path) or not folder.is_dir():
        raise SpecError(path, "is no model of this store", "take a path that list prints")
    with store.lock(lock_seconds):
        store.discard(folder)
        store.prune(folder)
    say(f"removed {path}")
    return 0
