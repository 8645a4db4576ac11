"""`make check`: every static check, all of them run, the result last."""

import subprocess
import sys
from pathlib import Path

from tests.locks import ROOT, stale

BIN = Path(sys.executable).parent
COMMANDS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy strict": ["mypy"],
    "import direction": ["lint-imports"],
}


def main() -> int:
    """Run all checks; exit code 1 when one fails."""
    results = {}
    for name, (program, *arguments) in COMMANDS.items():
        print(f"== {name}", flush=True)
        results[name] = subprocess.run([BIN / program, *arguments], cwd=ROOT, check=False).returncode == 0
    print("== programs in images", flush=True)
    results["mypy strict, docker/"] = _check_programs()
    print("== locks", flush=True)
    old = stale()
    results["locks are fresh"] = not old
    for file in old:
        print(f"{file} is not what its source compiles to; run `make lock`")
    print()
    for name, passed in results.items():
        print(f"{'passed' if passed else 'FAILED'}  {name}")
    return 0 if all(results.values()) else 1


def _check_programs() -> bool:
    """Each image's program is a package of its own, typed by itself."""
    passed = True
    for folder in sorted((ROOT / "docker").iterdir()):
        packages = [each.name for each in folder.iterdir() if (each / "__init__.py").is_file()]
        for package in packages:
            done = subprocess.run(
                [BIN / "mypy", "--config-file", ROOT / "pyproject.toml", "-p", package],
                cwd=folder,
                check=False,
            )
            passed = passed and done.returncode == 0
    return passed


if __name__ == "__main__":
    sys.exit(main())
