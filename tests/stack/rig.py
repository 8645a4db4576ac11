"""A stack of the tests' own, worked by the same commands a user types, from a copy of the checkout.

The copy has models of the tests' own in its catalog, a port, a state folder and a name of its own, so
nothing here touches a user's stack.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml
from openai import OpenAI

from tests.conftest import ROOT

MODEL = "smollm2-135m-instruct"
TINY = "tiny-random-llama"
TINY_FOLDER = ROOT / "tests/data/tiny-random-llama-onnx"
UP_SECONDS = 1500


@dataclass
class Stack:
    """A checkout, its stack and how to talk to it."""

    name: str
    port: int
    checkout: Path
    home: Path
    key: str = ""
    first_up: str = ""

    @property
    def file(self) -> Path:
        return self.checkout / "stacks" / f"Pulumi.{self.name}.yaml"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def environment(self) -> dict[str, str]:
        return {**os.environ, "XDG_STATE_HOME": str(self.home)}

    def ops(
        self, *arguments: str, timeout: float = UP_SECONDS, given: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`python -m ops …`, as make runs it; `given` is its standard input."""
        return subprocess.run(
            [sys.executable, "-m", "ops", *arguments, "--stack", self.name],
            cwd=self.checkout, env=self.environment(), text=True, timeout=timeout, check=False, input=given,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def must(self, *arguments: str, given: str | None = None) -> str:
        """Run, and show what it said when it fails."""
        done = self.ops(*arguments, given=given)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def client(self, key: str | None = None) -> OpenAI:
        """The official client; it keeps no connection open, so nobody has to close it."""
        alone = {"Connection": "close"}
        return OpenAI(
            base_url=self.url, api_key=key or self.key, max_retries=0, timeout=120, default_headers=alone
        )

    def post(self, path: str, body: object, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key if key is None else key}"}
        return httpx.post(f"{self.url}{path}", json=body, headers=headers, timeout=120, trust_env=False)

    def chat(self, model: str = MODEL, key: str | None = None, tokens: int = 8) -> httpx.Response:
        messages = [{"role": "user", "content": "Say hello."}]
        return self.post(
            "/chat/completions", {"model": model, "messages": messages, "max_tokens": tokens}, key
        )

    def containers(self, workload: str | None = None) -> list[str]:
        """Names of the stack's containers, or of one workload's that run."""
        filters = ["--filter", f"label=slm-kit.stack={self.name}"]
        if workload is None:
            filters.append("-a")
        else:
            filters += ["--filter", f"label=slm-kit.workload={workload}", "--filter", "health=healthy"]
        return docker("ps", "--format", "{{.Names}}", *filters).split()

    def left(self) -> dict[str, list[str]]:
        """Everything of the stack that Docker still has."""
        label = ("--filter", f"label=slm-kit.stack={self.name}")
        listings = {
            "containers": ("ps", "-aq", *label),
            "networks": ("network", "ls", "-q", *label),
            "volumes": ("volume", "ls", "-q", *label),
            "images": ("image", "ls", "-q", "--filter", f"reference=slm-kit/*:{self.name}"),
        }
        return {kind: docker(*listing).split() for kind, listing in listings.items()}

    def remove_left(self) -> None:
        """Remove what an interrupted run left; its images stay, as `up` makes them again from the cache.

        It would hold the stack's ports, and its state is lost with the folder of that run.
        """
        commands = {
            "containers": ("rm", "--force", "--volumes"),
            "networks": ("network", "rm"),
            "volumes": ("volume", "rm"),
        }
        left = self.left()
        for kind, command in commands.items():
            if left[kind]:
                docker(*command, *left[kind])


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], text=True, capture_output=True, check=True)
    return done.stdout + done.stderr


def new_stack(
    name: str,
    port: int,
    folder: Path,
    catalog: Sequence[Mapping[str, object]] | None = None,
    config: Mapping[str, object] | None = None,
) -> Stack:
    """A stack that is not up yet, in a copy of the checkout.

    `catalog` are models that stand in the copy's catalog beside, or instead of, those of the same name;
    default: the tiny one. `config` are settings that differ from the quick start's; monitoring is off unless
    it says otherwise.
    """
    checkout, home = folder / "checkout", folder / "state"
    _copy(checkout)
    for model in catalog or [_tiny_model()]:
        (checkout / "catalog" / "models" / f"{model['name']}.yaml").write_text(yaml.safe_dump(dict(model)))
    example = yaml.safe_load((checkout / "stacks/Pulumi.local-docker.example.yaml").read_text())
    settings: dict[str, object] = {"gatewayPort": port, "modelFolder": str(TINY_FOLDER)}
    settings |= {"monitoring": {"enabled": False}, **(config or {})}
    example["config"] |= {f"slm-kit:{key}": value for key, value in settings.items()}
    made = Stack(name, port, checkout, home)
    made.file.write_text(yaml.safe_dump(example, sort_keys=False))
    made.remove_left()
    return made


def _copy(folder: Path) -> None:
    """The checkout as it is, with what git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True, capture_output=True, check=True
    )
    for file in listed.stdout.splitlines():
        if (ROOT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, folder / file)
    # Pulumi.yaml names the virtual environment of the checkout.
    (folder / ".venv").symlink_to(Path(sys.prefix))


def served_files(folder: Path) -> list[dict[str, object]]:
    """The files of a model folder, as a `file` source of the catalog lists them."""
    return [
        {
            "name": each.name,
            "bytes": each.stat().st_size,
            "sha256": hashlib.sha256(each.read_bytes()).hexdigest(),
        }
        for each in sorted(folder.iterdir())
        if each.suffix not in (".py", ".md")
    ]


def _tiny_model() -> dict[str, object]:
    return {
        "name": TINY,
        "title": "Tiny random Llama",
        "parameters": 106_000,
        "licence": "Apache-2.0",
        "contextLength": 512,
        "attention": {"layers": 2, "kvHeads": 2, "headSize": 16},
        "facts": "tests/data",
        "variants": {
            "onnx-fp32": {
                "engine": "onnx",
                "format": "onnx",
                "quantization": "fp32",
                "bytes": sum(each.stat().st_size for each in TINY_FOLDER.iterdir()),
                "source": {"kind": "file", "files": served_files(TINY_FOLDER)},
            }
        },
    }
