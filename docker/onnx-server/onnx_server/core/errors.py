"""What the core refuses. Every message names the value, the limit and the next step."""


class ModelRefusedError(Exception):
    """The model folder cannot be served; raised at start, before anything listens."""


class UnverifiedModelError(ModelRefusedError):
    """The files are not those of the manifest: damaged, incomplete or changed."""


class RequestRefusedError(Exception):
    """A request that can never be served as it is. ``code`` is the OpenAI error code."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class QueueFullError(Exception):
    """Every slot and every place in the queue is taken; the same request may succeed later."""


class EngineStoppedError(Exception):
    """The engine thread died or was closed; nothing will be generated any more."""
