"""The lock files of the project: what each is compiled from, and whether it is fresh.

`python -m tests.locks` compiles them all; `stale()` compiles against the existing ones and tells
which would change. Hashes and names only: no address of an index is written.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMON = ("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--quiet")
IMAGE_PYTHON = "3.13"
"""Python of the Debian release that the images are built on."""


@dataclass(frozen=True)
class Lock:
    """One lock file and the arguments that make it, relative to the checkout."""

    file: str
    source: str
    arguments: tuple[str, ...]


def locks() -> list[Lock]:
    """Every lock of the checkout, in the order they constrain each other."""
    host = ("--universal", "--python-version", "3.11")
    found = [
        Lock("requirements.lock", "pyproject.toml", host),
        Lock("requirements-dev.lock", "pyproject.toml", (*host, "--extra", "dev", "-c", "requirements.lock")),
        Lock(
            "requirements-kubernetes.lock",
            "pyproject.toml",
            (*host, "--extra", "kubernetes", "-c", "requirements.lock"),
        ),
        Lock(
            "requirements-azure.lock",
            "pyproject.toml",
            (*host, "--extra", "azure", "-c", "requirements.lock"),
        ),
    ]
    folders = ("docker/*", "tests/kubernetes/image", "tests/kubernetes/keda", "tests/kubernetes/containerd")
    for source in sorted(path for each in folders for path in ROOT.glob(f"{each}/requirements*.in")):
        relative = source.relative_to(ROOT)
        image = ("--universal", "--python-version", IMAGE_PYTHON)
        found.append(Lock(str(relative.with_suffix(".lock")), str(relative), image))
    return found


def compile_lock(lock: Lock, output: Path) -> None:
    """Compile into `output`; pins that are there already are kept where they still fit."""
    subprocess.run(
        [shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv", "pip", "compile", lock.source,
         *lock.arguments, *COMMON, "--no-header", "-o", str(output)],
        cwd=ROOT, check=True,
    )  # fmt: skip


def stale() -> list[str]:
    """Lock files that compiling would change."""
    changed = []
    with tempfile.TemporaryDirectory() as folder:
        for number, lock in enumerate(locks()):
            copy = Path(folder) / f"{number}.txt"
            shutil.copyfile(ROOT / lock.file, copy)
            compile_lock(lock, copy)
            if copy.read_text() != (ROOT / lock.file).read_text():
                changed.append(lock.file)
    return changed


if __name__ == "__main__":
    for each in locks():
        print(each.file, flush=True)
        compile_lock(each, ROOT / each.file)
