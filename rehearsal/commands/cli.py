"""The command line of `python -m rehearsal`."""

import argparse
import os
import sys
import traceback
from pathlib import Path
from typing import TextIO

from rehearsal.backend import RefusedError, ResourceFailedError
from rehearsal.backends import factories
from rehearsal.commands import configverbs, review, verbs
from rehearsal.commands.session import Session
from rehearsal.config.project import check_stack_name, load_project
from rehearsal.errors import ExitCode, RehearsalError
from rehearsal.program.runs import ProgramFailedError, keep_stdout_for_results
from rehearsal.program.sdk import require_sdk
from rehearsal.state.crypto import Vault, take_passphrase

_PARALLEL = 16
_GO_ON = "--continue-on-error"
"""As the Pulumi CLI has it; here what does not depend on a failure is always gone on with."""


def parser() -> argparse.ArgumentParser:
    """All verbs and flags."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--project", type=Path, default=Path(), metavar="DIR", help="folder of Pulumi.yaml")
    common.add_argument("--stack", metavar="NAME", help="stack name")
    common.add_argument(
        "--state", type=Path, metavar="FILE", help="state file (default under XDG_STATE_HOME)"
    )
    common.add_argument(
        "--config-file", type=Path, metavar="FILE", help="configuration, instead of Pulumi.<stack>.yaml"
    )
    common.add_argument("--parallel", type=int, default=_PARALLEL, help="operations at a time (default 16)")
    common.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="PACKAGE=MODULE:CALLABLE",
        help="one more backend",
    )
    common.add_argument("--debug", action="store_true", help="show tracebacks")
    top = argparse.ArgumentParser(
        prog="python -m rehearsal",
        description="Run a Pulumi Python program without the Pulumi CLI.",
    )
    sub = top.add_subparsers(dest="verb", required=True)

    def verb(name: str, text: str, *flags: str) -> argparse.ArgumentParser:
        made = sub.add_parser(name, help=text, description=text, parents=[common])
        for flag in flags:
            made.add_argument(flag, action="store_true")
        return made

    verb("render", "Show every resource the program registers.", "--json")
    verb("diff", "Compare two renders, or one with the program.").add_argument("files", nargs="+", type=Path)
    verb("preview", "Show what `up` would do.", "--json", "--expect-no-changes", "--refresh")
    verb("up", "Create, update, replace and delete.", "--refresh", _GO_ON)
    verb("refresh", "Make the state say what is there.")
    verb("down", "Delete everything the state names.", _GO_ON)
    output = verb("output", "Show the stack's outputs.", "--json", "--show-secrets")
    output.add_argument("name", nargs="?")
    _config_verbs(sub.add_parser("config", help="read and write configuration"), common)
    return top


def _config_verbs(top: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    sub = top.add_subparsers(dest="config_verb", required=True)
    get = sub.add_parser("get", parents=[common])
    get.add_argument("--json", action="store_true")
    put = sub.add_parser("set", parents=[common])
    put.add_argument("--secret", action="store_true")
    remove = sub.add_parser("rm", parents=[common])
    for each in (get, put, remove):
        each.add_argument("--path", action="store_true", help="KEY is a path: a.b[0]")
        each.add_argument("key")
    put.add_argument("value", nargs="?", help="read from stdin when absent")
    show = sub.add_parser("list", parents=[common])
    show.add_argument("--json", action="store_true")
    show.add_argument("--show-secrets", action="store_true")


def _session(args: argparse.Namespace) -> Session:
    if not args.stack:
        raise RehearsalError("no stack is given", "a run is of one stack", "add --stack NAME")
    if args.parallel < 1:
        raise RehearsalError(f"--parallel {args.parallel}", "at least 1", "give a larger number")
    # The folder the program was started from may be where a --backend module lies.
    return Session(
        project=load_project(args.project),
        stack=check_stack_name(args.stack),
        vault=Vault(take_passphrase(os.environ)),
        factories=factories(args.backend),
        write=lambda line: print(line, file=sys.stderr, flush=True),
        state_file=args.state.resolve() if args.state else None,
        config_file=args.config_file.resolve() if args.config_file else None,
        parallel=args.parallel,
    )


def _dispatch(args: argparse.Namespace, out: TextIO) -> int:
    if args.verb == "diff":
        if len(args.files) > 2:
            raise RehearsalError(f"{len(args.files)} files", "diff compares two", "give one or two")
        return review.diff(_session(args) if len(args.files) == 1 else None, args.files, out)
    session = _session(args)
    if args.verb == "config":
        return _config(session, args, out)
    if args.verb == "render":
        return review.render(session, out, as_json=args.json)
    if args.verb == "preview":
        return verbs.preview(
            session, out, as_json=args.json, expect_none=args.expect_no_changes, fresh=args.refresh
        )
    if args.verb == "up":
        return verbs.up(session, out, fresh=args.refresh)
    if args.verb == "output":
        return verbs.output(session, out, args.name, show=args.show_secrets, as_json=args.json)
    return verbs.refresh(session) if args.verb == "refresh" else verbs.down(session)


def _config(session: Session, args: argparse.Namespace, out: TextIO) -> int:
    if args.config_verb == "get":
        return configverbs.get(session, out, args.key, is_path=args.path, as_json=args.json)
    if args.config_verb == "set":
        text = args.value if args.value is not None else sys.stdin.read().removesuffix("\n")
        return configverbs.put(session, args.key, text, secret=args.secret, is_path=args.path)
    if args.config_verb == "rm":
        return configverbs.remove(session, args.key, is_path=args.path)
    return configverbs.show(session, out, show_secrets=args.show_secrets, as_json=args.json)


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    """`config set KEY --secret VALUE` too: argparse gives up a late optional positional."""
    top = parser()
    args, rest = top.parse_known_args(arguments)
    if len(rest) == 1 and not rest[0].startswith("-") and getattr(args, "value", "") is None:
        args.value = rest.pop()
    if rest:
        top.error(f"unrecognized arguments: {' '.join(rest)}")
    return args


def _explained(error: BaseException) -> tuple[int, str]:
    """The exit code and the one message of an error."""
    if isinstance(error, RehearsalError | ProgramFailedError):
        return error.exit_code, str(error)
    if isinstance(error, RefusedError | ResourceFailedError):
        return int(ExitCode.UPDATE), str(error)
    if isinstance(error, KeyboardInterrupt):
        return int(ExitCode.UPDATE), "interrupted; run the same again to continue"
    if isinstance(error, OSError):
        return int(ExitCode.HOST), f"{error}. Next step: check the path and its permissions"
    return int(ExitCode.UPDATE), f"{type(error).__name__}: {error}. Next step: --debug shows where"


def main(arguments: list[str] | None = None) -> int:
    """Run a verb; 0, or the code of `rehearsal.errors.ExitCode` and one message on stderr."""
    args = _parsed(arguments)
    out = keep_stdout_for_results()
    try:
        require_sdk()
        with out:
            return _dispatch(args, out)
    except (Exception, KeyboardInterrupt) as error:
        code, text = _explained(error)
        trace = traceback.format_exc()
    print(f"error: {text}", file=sys.stderr)
    if args.debug:
        print(trace, file=sys.stderr)
    return code
