"""Who runs the Pulumi program: the Pulumi CLI, or the rehearsal where there is none."""

import json
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from catalog.errors import UpdateError
from ops.paths import CHECKOUT, passphrase_file, rehearsal_state, state_folder


class Runner(ABC):
    """Runs one stack. Every call raises UpdateError when the program behind it fails."""

    name: str

    def __init__(self, stack: str) -> None:
        self.stack = stack

    @abstractmethod
    def command(self, verb: str, *arguments: str) -> list[str]:
        """The command line for a verb of the Pulumi CLI."""

    def environment(self) -> dict[str, str]:
        """Environment of the run; holds file names, never a secret."""
        return {
            **os.environ,
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase_file(self.stack)),
            "PULUMI_ERROR_OUTPUT_STRING": "1",
        }

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
        found: dict[str, Any] = json.loads(self.read("output", "--json"))
        return found

    def set_config(self, key: str, value: str, *, secret: bool = False, path: bool = False) -> None:
        """Write one config value. It travels on standard input, not in the arguments."""
        flags = [*(["--secret"] if secret else []), *(["--path"] if path else [])]
        self._run(self.command("config", "set", *flags, key), capture=True, given=value)

    def _run(self, command: Sequence[str], *, capture: bool, given: str | None = None) -> str:
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=self.environment(),
            text=True,
            input=given,
            check=False,
            stdout=subprocess.PIPE if capture else None,
            stderr=subprocess.PIPE if capture else None,
        )
        if done.returncode != 0:
            said = (done.stderr or "").strip()
            raise UpdateError(
                " ".join(command[:4]),
                f"failed with exit code {done.returncode}",
                said or "Mend what is said above and run the same command again; it continues.",
            )
        return done.stdout or ""


class Rehearsal(Runner):
    """The kit's own way to run the program, on Docker, without the Pulumi CLI."""

    name = "rehearsal"

    def command(self, verb: str, *arguments: str) -> list[str]:
        """`python -m rehearsal VERB`, with the stack's state file."""
        state = ["--state", str(rehearsal_state(self.stack))]
        return [sys.executable, "-m", "rehearsal", verb, *arguments, "--stack", self.stack, *state]


class PulumiCli(Runner):
    """The Pulumi CLI on PATH, with a file backend unless the user is logged in elsewhere."""

    name = "pulumi"
    _VERBS = {  # noqa: RUF012 - a class constant of plain strings
        "up": ("up", "--yes", "--skip-preview"),
        "preview": ("preview", "--diff"),
        "down": ("destroy", "--yes", "--skip-preview"),
        "output": ("stack", "output"),
    }

    def command(self, verb: str, *arguments: str) -> list[str]:
        """`pulumi VERB` without questions."""
        return [
            executable() or "pulumi",
            *self._VERBS.get(verb, (verb,)),
            *arguments,
            "--stack",
            self.stack,
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

    def prepare(self) -> None:
        """Make the stack known to the backend."""
        self._run(
            [
                executable() or "pulumi",
                "stack",
                "select",
                "--create",
                self.stack,
                "--non-interactive",
            ],
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
    runner = PulumiCli(stack)
    runner.prepare()
    return runner
