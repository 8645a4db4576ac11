"""`make logs`: the last lines of every container of a stack, or all that is still kept of one request."""

import re
import subprocess
from collections.abc import Iterable

from catalog.errors import KitError

TAIL_LINES = 50


def of_containers(stack: str, request: str | None) -> None:
    """Of a stack on this machine's Docker engine. Raises KitError where no line names the request."""
    label, form = f"label=slm-kit.stack={stack}", '{{.Names}} {{.Label "slm-kit.workload"}} {{.Status}}'
    listing = ["docker", "ps", "-a", "--filter", label, "--format", form]
    listed = subprocess.run(listing, text=True, capture_output=True, check=False).stdout.splitlines()
    some = False
    for line in listed:
        name = line.split()[0]
        if request is None:
            print(f"== {line}", flush=True)
            subprocess.run(["docker", "logs", "--tail", str(TAIL_LINES), name], check=False)
            continue
        written = subprocess.run(
            ["docker", "logs", name], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ).stdout
        found = about(written.decode(errors="replace").splitlines(), request)
        if found:
            print(f"== {line}", *found, sep="\n")
        some = some or bool(found)
    if request is not None and not some:
        limit = f"no container of stack {stack} has a line with it"
        raise KitError(f"request {request!r}", limit, "It may be older than what Docker keeps (30 MB each).")


def about(lines: Iterable[str], request: str) -> list[str]:
    """The lines that have this id, and not as a part of another."""
    letter = "[A-Za-z0-9._-]"
    whole = re.compile(f"(?<!{letter}){re.escape(request)}(?!{letter})")
    return [line for line in lines if whole.search(line)]
