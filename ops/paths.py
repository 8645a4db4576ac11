"""Where things lie: the checkout, a stack's config file, and state outside the checkout."""

import os
import secrets
from pathlib import Path

from stacks.stack_file import config_of

CHECKOUT = Path(__file__).resolve().parent.parent


def state_folder() -> Path:
    """`${XDG_STATE_HOME:-~/.local/state}/slm-kit`, made 0700 where it is missing."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    folder = Path(home) / "slm-kit"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def stack_file(stack: str) -> Path:
    """The stack's config, tracked by git for shared stacks and ignored for local ones."""
    return CHECKOUT / "stacks" / f"Pulumi.{stack}.yaml"


def example_file(target: str) -> Path:
    """The tracked example a new stack of that composition starts from."""
    return CHECKOUT / "stacks" / f"Pulumi.{target}.example.yaml"


def rehearsal_state(stack: str) -> Path:
    """The rehearsal's checkpoint of `stack` or `organization/project/stack`, where it looks itself."""
    *_, project, name = [state_folder().name, *stack.split("/")]
    return state_folder().with_name(project) / f"{name}.json"


def passphrase_file(stack: str) -> Path:
    """File with the passphrase of the stack's secrets, 0600; made at first: a random one, or that of the
    stack that made its cluster, as the Pulumi CLI reads another stack's outputs with this one's passphrase.

    PULUMI_CONFIG_PASSPHRASE_FILE, where set, names the user's own instead.
    """
    path = passphrase_place(stack)
    if not path.exists() and not os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        cluster = cluster_stack(stack)
        theirs = None if cluster is None else state_folder() / f"{cluster}.passphrase"
        shared = theirs.read_text() if theirs is not None and theirs.exists() else None
        write_private(path, shared or secrets.token_urlsafe(32))
    return path


def passphrase_place(stack: str) -> Path:
    """Where that file is, or will be."""
    named = os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    return Path(named) if named else state_folder() / f"{stack}.passphrase"


def cluster_stack(stack: str) -> str | None:
    """Name of the stack that made the cluster of this one (`kubernetes.cluster`), without its project; None
    for one of another project, whose files are not here."""
    file = stack_file(stack)
    where = config_of(file).get("slm-kit:kubernetes") if file.exists() else None
    named = where.get("cluster") if isinstance(where, dict) else None
    *_, project, name = [state_folder().name, *str(named or "").split("/")]
    return name if name and project == state_folder().name else None


def write_private(path: Path, content: str) -> None:
    """Write a file only its owner can read, never readable by others in between."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    temporary.replace(path)
