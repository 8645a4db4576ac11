"""Credentials of alert receivers: secret config in, one file each out."""

import re
from collections.abc import Mapping, Sequence

from catalog.errors import KitError
from monitoring.receivers import Receiver, secret_file


def secret_files(receivers: Sequence[Receiver], secrets: Mapping[str, str]) -> dict[str, str]:
    """File name and content of each credential. KitError for one that is missing, idle or malformed."""
    needed = {each.secret_name: each for each in receivers if each.secret_name}
    missing, idle = sorted(set(needed) - set(secrets)), sorted(set(secrets) - set(needed))
    if missing:
        raise KitError(
            f"secret {missing[0]!r} of alert receiver {needed[missing[0]].name!r}",
            "is not set",
            f"Give it to `make config KEY=receiverSecrets.{missing[0]}` on standard input.",
        )
    if idle:
        raise KitError(
            f"receiverSecrets.{idle[0]}", "belongs to no alert receiver", "Name it in one, or remove it."
        )
    return {
        secret_file(each.secret_name): _checked(each.secret_name, each, secrets)
        for each in receivers
        if each.secret_name
    }


def _checked(name: str, receiver: Receiver, secrets: Mapping[str, str]) -> str:
    """The credential without the newline that a pipe leaves behind; it is never shown."""
    value = secrets[name].strip()
    if len(value.splitlines()) != 1:
        raise KitError(f"receiverSecrets.{name}", "is not one line", "Set it anew.")
    if receiver.secret_is_address and not re.fullmatch(r"https?://\S+", value):
        raise KitError(f"receiverSecrets.{name}", "is no address (https://…)", "Set it anew.")
    return value
