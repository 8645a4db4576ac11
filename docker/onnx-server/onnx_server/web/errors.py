"""Errors in OpenAI's form, for everything that can go wrong on the way."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from onnx_server.core.errors import EngineStoppedError, QueueFullError, RequestRefusedError

RETRY_SECONDS = 2
"""Retry-After of a full queue: about one short answer of a small model."""
RETRY_WHEN_DRAINING_SECONDS = 5


class ApiError(Exception):
    """One refusal or failure, as a client sees it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param = status, code, param
        self.retry_after = retry_after

    def body(self) -> dict[str, object]:
        """The JSON that OpenAI clients understand."""
        kind = "invalid_request_error" if self.status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error"
        return {
            "error": {
                "message": str(self),
                "type": kind,
                "param": self.param,
                "code": self.code,
            }
        }

    def response(self) -> Response:
        """The whole answer, with Retry-After where waiting helps."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return JSONResponse(self.body(), self.status, headers)


def draining() -> ApiError:
    """The server is going down; another one will answer."""
    return ApiError(
        503,
        "the server is shutting down: send the request again",
        code="shutting_down",
        retry_after=RETRY_WHEN_DRAINING_SECONDS,
    )


def engine_failed() -> ApiError:
    """The engine thread died; the process is about to be restarted."""
    return ApiError(
        500,
        "the engine failed; the server restarts: send the request again",
        code="engine_failed",
    )


def from_core(error: Exception) -> ApiError:
    """The HTTP form of a refusal by the core."""
    match error:
        case RequestRefusedError():
            return ApiError(400, str(error), code=error.code)
        case QueueFullError():
            return ApiError(503, str(error), code="queue_full", retry_after=RETRY_SECONDS)
        case EngineStoppedError():
            return engine_failed()
        case _:
            raise error


async def on_api_error(request: Request, error: Exception) -> Response:
    """Starlette handler for ApiError and the core's refusals."""
    shaped = error if isinstance(error, ApiError) else from_core(error)
    request.state.record.code = shaped.code
    return shaped.response()


async def on_http_error(_request: Request, error: Exception) -> Response:
    """Starlette handler for what the router refuses (404, 405)."""
    assert isinstance(error, HTTPException)
    messages = {404: "no such path", 405: "method not allowed on this path"}
    message = messages.get(error.status_code, error.detail)
    codes = {404: "not_found", 405: "method_not_allowed"}
    shaped = ApiError(error.status_code, message, code=codes.get(error.status_code, "http_error"))
    return JSONResponse(shaped.body(), error.status_code, error.headers)


async def on_crash(_request: Request, _error: Exception) -> Response:
    """Starlette handler for a bug of ours: nothing of it is shown."""
    return ApiError(500, "internal error: see the server's log", code="internal_error").response()
