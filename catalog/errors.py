"""The one error the kit raises for what a user can mend."""

from typing import ClassVar

from pydantic import ValidationError


class KitError(Exception):
    """A refused value: what it is, the limit it breaks, and the next step.

    `exit_code` is what a script may branch on: 2 configuration, 3 host, 4 download, 5 update.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, value: str, limit: str, next_step: str) -> None:
        super().__init__(f"{value}: {limit}. {next_step}")
        self.value = value
        self.limit = limit
        self.next_step = next_step


class HostError(KitError):
    """The machine lacks something the stack needs."""

    exit_code = 3


class DownloadError(KitError):
    """Something could not be fetched, or is not what it should be."""

    exit_code = 4


class UpdateError(KitError):
    """The update itself failed."""

    exit_code = 5


def complaints(error: ValidationError) -> str:
    """What a schema refused, a line of `place: reason` pairs without the library's own words."""
    found = error.errors(include_url=False, include_input=False)
    return "; ".join(f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in found)
