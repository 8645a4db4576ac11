"""Errors that name the value, the limit and the next step; each has its exit code."""

from __future__ import annotations


class ToolError(Exception):
    """Base of every expected failure. `code` is the exit code of the process."""

    code = 1

    def __init__(self, value: str, limit: str, next_step: str) -> None:
        self.value, self.limit, self.next_step = value, limit, next_step
        super().__init__(f"{value}: {limit}. Next: {next_step}")


class SpecError(ToolError):
    """What was asked for is wrong: the specification, a flag or a configuration file."""

    code = 2


class HostError(ToolError):
    """The machine cannot do it now: disk full, store locked, converter not in this image."""

    code = 3


class FetchError(ToolError):
    """A download or its verification failed, or a conversion's result is not usable."""

    code = 4
