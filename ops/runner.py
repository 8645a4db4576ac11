"""Who runs the Pulumi program: the Pulumi CLI, or the rehearsal where there is none."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from catalog.errors import DownloadError, HostError, KitError, UpdateError
from ops.paths import CHECKOUT, passphrase_file, rehearsal_state, state_folder


class Runner(ABC):
    """Runs one stack. Every call raises UpdateError when the program behind it fails."""

    name: str
    _before_verb: ClassVar[int]
    """Words of a command line before its verb."""

    def __init__(self, stack: str) -> None:
        self.stack = stack

    @abstractmethod
    def command(self, verb: str, *arguments: str, stack: str | None = None) -> list[str]:
        """The command line for a verb of the Pulumi CLI, on this stack or on another that is only read."""

    def environment(self) -> dict[str, str]:
        """Environment of the run; holds file names, never a secret."""
        passphrase = self.passphrase()
        named = {} if passphrase is None else {"PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase)}
        return {**os.environ, **named, "PULUMI_ERROR_OUTPUT_STRING": "1"}

    def passphrase(self) -> Path | None:
        """File with the passphrase of the stack's secrets, made at first. None: it is not here."""
        return passphrase_file(self.stack)

    def show(self, verb: str, *arguments: str) -> None:
        """Run with its output on the terminal."""
        self._run(self.command(verb, *arguments), capture=False)

    def read(self, verb: str, *arguments: str) -> str:
        """Run and return its output."""
        return self._run(self.command(verb, *arguments), capture=True)

    def up(self) -> None:
        """Create, change and delete until the stack is as config says.

        With a refresh first: a container that was stopped or removed by hand is put back.
        """
        self.show("up", "--refresh")

    def preview(self) -> None:
        """Print what `up` would do, drift included."""
        self.show("preview", "--refresh")

    def down(self) -> None:
        """Delete everything of the stack."""
        self.show("down")

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; secrets masked."""
        return self.outputs_of(self.stack)

    def outputs_of(self, stack: str) -> dict[str, Any]:
        """Outputs of another stack, `stack` or `organization/project/stack`, secrets masked.

        With this stack's passphrase, as a StackReference of its program reads them; makes nothing.
        """
        command = self.command("output", "--json", stack=stack)
        found: dict[str, Any] = json.loads(self._run(command, capture=True))
        return found

    def set_config(self, key: str, value: str, *, secret: bool = False, path: bool = False) -> None:
        """Write one config value. It travels on standard input, not in the arguments."""
        flags = [*(["--secret"] if secret else []), *(["--path"] if path else [])]
        self._run(self.command("config", "set", *flags, key), capture=True, given=value)

    def _run(self, command: Sequence[str], *, capture: bool, given: str | None = None) -> str:
        code, out, said = run_to_its_end(command, self.environment(), capture=capture, given=given)
        if code != 0:
            failure = {2: KitError, 3: HostError, 4: DownloadError}.get(code, UpdateError)
            # `up`, `config set`: what follows are flags and values.
            words = itertools.takewhile(lambda word: not word.startswith("-"), command[self._before_verb :])
            verb = list(itertools.islice(words, 2))
            # The others begin nothing.
            goes_on = "; it continues" if verb[0] in ("up", "down", "destroy") else ""
            raise failure(
                " ".join([self.name, *verb]),
                f"failed with exit code {code}",
                said.strip() or f"Mend what is said above and run the same command again{goes_on}.",
            )
        return out


def run_to_its_end(
    command: Sequence[str], environment: Mapping[str, str], *, capture: bool, given: str | None
) -> tuple[int, str, str]:
    """Exit code, output and errors. An interrupt reaches the program, which ends in order, and only
    then this process: a program killed in the middle of its ending leaves locks behind."""
    pipe = subprocess.PIPE if capture else None
    interrupted: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: interrupted.append(number))
    try:
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, text=True, stdout=pipe, stderr=pipe,
            stdin=None if given is None else subprocess.PIPE,
        )  # fmt: skip
        out, said = process.communicate(given)
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        raise KeyboardInterrupt
    return process.returncode, out or "", said or ""


class Rehearsal(Runner):
    """The kit's own way to run the program, on Docker, without the Pulumi CLI."""

    name = "rehearsal"
    _before_verb = 3

    def command(self, verb: str, *arguments: str, stack: str | None = None) -> list[str]:
        """`python -m rehearsal VERB`, with the stack's state file."""
        named = stack or self.stack
        where = ["--stack", named.rpartition("/")[2], "--state", str(rehearsal_state(named))]
        return [sys.executable, "-m", "rehearsal", verb, *arguments, *where]


class PulumiCli(Runner):
    """The Pulumi CLI, with a file backend unless PULUMI_BACKEND_URL names another."""

    name = "pulumi"
    _before_verb = 1
    _VERBS: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "up": ("up", "--yes", "--skip-preview"),
        "preview": ("preview", "--diff"),
        "down": ("destroy", "--yes", "--skip-preview"),
        "output": ("stack", "output"),
        "export": ("stack", "export"),
        "forget": ("stack", "rm", "--yes", "--preserve-config"),
    }

    def command(self, verb: str, *arguments: str, stack: str | None = None) -> list[str]:
        """`pulumi VERB` without questions."""
        return [
            executable() or "pulumi",
            *self._VERBS.get(verb, (verb,)),
            *arguments,
            "--stack",
            stack or self.stack,
            "--non-interactive",
        ]

    def environment(self) -> dict[str, str]:
        """Adds the file backend beside the rehearsal's state."""
        environment = super().environment()
        if "PULUMI_BACKEND_URL" not in environment:
            folder = state_folder() / "pulumi"
            folder.mkdir(mode=0o700, exist_ok=True)
            environment["PULUMI_BACKEND_URL"] = f"file://{folder}"
        return environment

    def forget(self) -> None:
        """Take the stack out of the backend, after `down`; its config file stays."""
        self.read("forget")

    def prepare(self) -> None:
        """Make the stack known to the backend."""
        self._run(
            [executable() or "pulumi", "stack", "select", "--create", self.stack, "--non-interactive"],
            capture=True,
        )


def executable() -> str | None:
    """The Pulumi CLI: on PATH, or the one `make up` put into the checkout."""
    local = CHECKOUT / ".pulumi-cli" / "pulumi" / "pulumi"
    return shutil.which("pulumi") or (str(local) if local.is_file() else None)


def runner_for(name: str, stack: str) -> Runner:
    """The runner of that name, ready for the stack."""
    if name == Rehearsal.name:
        return Rehearsal(stack)
    if name != PulumiCli.name:
        raise KitError(f"runner {name!r}", "runners are pulumi and rehearsal", "Name one of them.")
    if executable() is None:
        raise HostError(
            f"stack {stack}", "was made with the Pulumi CLI, which is not here", "Put it on PATH."
        )
    runner = PulumiCli(stack)
    runner.prepare()
    return runner
