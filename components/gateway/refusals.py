"""What the gateway says when it refuses: one table, in OpenAI's error form.

Clients branch on the status and on ``code``; ``docs`` and tests read the same table.
"""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """One refusal. ``retry_after_s`` becomes the Retry-After header, None leaves it out.

    ``%[...]`` in a text is HAProxy's: what stands for it must need no escape in JSON.
    """

    status: int
    code: str
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    retry_after_s: int | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def body(self) -> str:
        """The JSON that a client gets."""
        error = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        return json.dumps({"error": error}, separators=(",", ":"))

    def header_fields(self) -> tuple[tuple[str, str], ...]:
        """Headers beside Content-Type and Content-Length."""
        if self.retry_after_s is None:
            return self.headers
        return (*self.headers, ("Retry-After", str(self.retry_after_s)))

    def rule(self, action: str = "return", status: int | None = None) -> str:
        """The HAProxy rule that sends it; X-Slm-Refusal takes the code to the log and no further."""
        fields = [*self.header_fields(), ("X-Slm-Refusal", self.code)]
        headers = " ".join(f"hdr {name} {_quoted(value)}" for name, value in fields)
        body = self.body()
        payload = f"{'lf-string' if '%[' in body else 'string'} {_quoted(body)}"
        return f"{action} status {status or self.status} content-type application/json {payload} {headers}"


def _quoted(text: str) -> str:
    if "'" in text or "\n" in text:
        raise ValueError(f"a refusal's text holds a quote or a line end: {text!r}")
    return f"'{text}'"


_BUSY = "service_unavailable"

# Names are those of the templates.
REFUSALS: dict[str, Refusal] = {
    "unknown_path": Refusal(
        404,
        "unknown_path",
        "There is nothing at this path. Served are /v1/models, /v1/chat/completions, "
        "/v1/completions and /v1/embeddings.",
    ),
    "wrong_method_get": Refusal(
        405, "method_not_allowed", "This path takes GET.", headers=(("Allow", "GET"),)
    ),
    "wrong_method_post": Refusal(
        405, "method_not_allowed", "This path takes POST.", headers=(("Allow", "POST"),)
    ),
    "invalid_key": Refusal(
        401,
        "invalid_api_key",
        "The API key is missing or not known. Send it as Authorization: Bearer slm-...",
        type="authentication_error",
        headers=(("WWW-Authenticate", "Bearer"),),
    ),
    # Only who sent the whole key learns this.
    "expired_key": Refusal(
        401,
        "expired_api_key",
        "This API key has expired. Ask the operator for another one.",
        type="authentication_error",
        headers=(("WWW-Authenticate", "Bearer"),),
    ),
    "bad_request": Refusal(400, "bad_request", "The request is not valid HTTP/1.1."),
    "headers_too_large": Refusal(431, "headers_too_large", "The request headers are too large."),
    "body_too_large": Refusal(413, "body_too_large", "The request body is too large."),
    "trailers_not_allowed": Refusal(
        400, "trailers_not_allowed", "Something comes behind the last chunk of the body. Send no trailers."
    ),
    "invalid_json": Refusal(
        400,
        "invalid_json",
        "The body is not one JSON object in UTF-8 (RFC 8259), or nests deeper than 128 levels.",
    ),
    "ambiguous_model": Refusal(
        400,
        "ambiguous_model",
        "The key model must stand once in the body, spelled exactly so, without escapes.",
        param="model",
    ),
    "missing_model": Refusal(
        400, "missing_model", "The body must name its model as a string.", param="model"
    ),
    # The scanner gave up (memory, time); it says nothing about the model.
    "scan_failed": Refusal(
        503,
        "gateway_busy",
        "The gateway could not read the body now. Send it again, or a smaller one.",
        type=_BUSY,
        retry_after_s=2,
    ),
    "unknown_model": Refusal(
        404,
        "model_not_found",
        "This model is not served here. GET /v1/models lists yours.",
        param="model",
    ),
    "model_not_granted": Refusal(
        403,
        "model_not_granted",
        "This key may not use this model. GET /v1/models lists yours.",
        type="permission_error",
        param="model",
    ),
    "rate_limited": Refusal(
        429,
        "rate_limit_exceeded",
        "This key has used its requests of the last minute.",
        type="rate_limit_error",
        retry_after_s=60,
    ),
    "queue_full": Refusal(503, "queue_full", "The queue of this model is full.", type=_BUSY, retry_after_s=2),
    "model_starting": Refusal(
        503,
        "model_starting",
        "No replica of this model is ready yet.",
        type=_BUSY,
        param="model",
        retry_after_s=5,
    ),
    "engine_failed": Refusal(
        503, "engine_failed", "The engine ended before it answered.", type=_BUSY, retry_after_s=2
    ),
    "answer_not_json": Refusal(
        400,
        "answer_not_json",
        "This encoding_format is not answered in JSON. Ask for float or base64.",
        param="encoding_format",
    ),
    "field_not_allowed": Refusal(
        400,
        "field_not_allowed",
        "The field %[var(txn.steering)] is not passed on: it could choose another model or destination.",
        param="%[var(txn.steering)]",
    ),
    # An endpoint's own words are not passed on: they may quote the credential.
    "endpoint_rejected": Refusal(
        400, "endpoint_rejected", "The endpoint refused the request (status %[var(txn.endpoint_status)])."
    ),
    "endpoint_limited": Refusal(
        429,
        "endpoint_limited",
        "The endpoint takes no more requests for now (status 429).",
        type="rate_limit_error",
        headers=(("Retry-After", "%[var(txn.retry_after,5)]"),),
    ),
    "endpoint_failed": Refusal(
        502,
        "endpoint_failed",
        "The endpoint failed on the request (status %[var(txn.endpoint_status)]).",
        type="server_error",
    ),
    "endpoint_overloaded": Refusal(
        503,
        "endpoint_failed",
        "The endpoint cannot take the request now (status 503).",
        type=_BUSY,
        headers=(("Retry-After", "%[var(txn.retry_after,5)]"),),
    ),
    # The client's key is not what is wrong.
    "endpoint_refused": Refusal(
        502,
        "endpoint_refused",
        "The endpoint behind this model refuses the gateway. Tell its operator.",
        type="server_error",
    ),
}

# Errors that HAProxy makes itself, by the status it makes them with.
OWN_ERRORS: dict[int, Refusal] = {
    400: REFUSALS["bad_request"],
    408: Refusal(408, "request_timeout", "The request did not arrive in time.", retry_after_s=1),
    500: Refusal(500, "gateway_error", "The gateway failed on this request.", type="server_error"),
    # Sent as 503: the engine went away before it answered, so the request may be sent again.
    502: REFUSALS["engine_failed"],
    503: Refusal(
        503, "overloaded", "No replica of this model took the request in time.", type=_BUSY, retry_after_s=2
    ),
    504: Refusal(
        504, "engine_timeout", "The engine did not answer in time.", type="timeout_error", retry_after_s=5
    ),
}
