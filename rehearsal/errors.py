"""The one error a user of the rehearsal sees, and its exit codes."""

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What a script may branch on."""

    CONFIG = 2
    HOST = 3
    DOWNLOAD = 4
    UPDATE = 5


class RehearsalError(Exception):
    """A refusal in three parts: what is wrong (with the value), the limit, and the next step."""

    def __init__(self, value: str, limit: str, next_step: str, code: int = ExitCode.CONFIG) -> None:
        super().__init__(f"{value}; {limit}. Next step: {next_step}")
        self.value = value
        self.limit = limit
        self.next_step = next_step
        self.exit_code = int(code)


def exit_code_of(error: BaseException) -> int:
    """The code an error asks for by an `exit_code` attribute of 2 to 5; any other error is 5 (update)."""
    code: Any = getattr(error, "exit_code", None)
    known = {int(each) for each in ExitCode}
    return code if isinstance(code, int) and code in known else int(ExitCode.UPDATE)
