"""A Pulumi project in a temporary folder, run through the command line as a user would."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
_SECONDS = 60
_IMPORTS = "import pulumi\nfrom pulumi import ResourceOptions as Opts\nfrom things import *\n"


@dataclass
class Stack:
    """One project with one stack; the target is the folder `target`."""

    root: Path
    target: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def state_file(self) -> Path:
        return self.root / "state" / "dev.json"

    def program(self, text: str) -> "Stack":
        (self.root / "__main__.py").write_text(_IMPORTS + dedent(text))
        return self

    def schema(self, text: str, more: str = "") -> "Stack":
        head = f"name: proj\nruntime: python\n{more}config:\n  file:root:\n    value: {self.target}\n"
        (self.root / "Pulumi.yaml").write_text(head + indent(dedent(text), "  "))
        return self

    def start(self, *arguments: str, **extra: str) -> "subprocess.Popen[str]":
        path = os.pathsep.join((str(REPOSITORY), str(HERE)))
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "rehearsal",
                *arguments,
                "--project",
                str(self.root),
                "--stack",
                "dev",
                "--state",
                str(self.state_file),
                "--backend",
                "file=filebackend:FileBackend",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environment, "PYTHONPATH": path, **extra},
        )

    def run(self, *arguments: str, code: int = 0, stdin: str = "", **extra: str) -> str:
        """Run a verb, check its exit code, return stdout and stderr together."""
        process = self.start(*arguments, **extra)
        out, err = process.communicate(stdin, timeout=_SECONDS)
        assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err, err
        return out + err

    def json(self, *arguments: str) -> Any:
        process = self.start(*arguments, "--json")
        out, err = process.communicate(timeout=_SECONDS)
        assert process.returncode == 0, err
        return json.loads(out)

    def steps(self, *arguments: str) -> dict[str, str]:
        """What a preview would do: operation by logical name, without what stays the same."""
        found = self.json("preview", *arguments)["steps"]
        return {step["urn"].rsplit("::", 1)[-1]: step["op"] for step in found if step["op"] != "same"}

    def checkpoint(self) -> dict[str, Any]:
        latest: dict[str, Any] = json.loads(self.state_file.read_text())["checkpoint"]["latest"]
        return latest

    def entries(self) -> dict[str, dict[str, Any]]:
        return {each["urn"].rsplit("::", 1)[-1]: each for each in self.checkpoint()["resources"]}

    def files(self) -> dict[str, str]:
        """What is in the target: content by path, the random part of automatic names left out."""
        found = {}
        for path in sorted(self.target.rglob("*")):
            name = "/".join(part.rsplit("-", 1)[0] for part in path.relative_to(self.target).parts)
            found[name] = path.read_text() if path.is_file() else "<folder>"
        return found
