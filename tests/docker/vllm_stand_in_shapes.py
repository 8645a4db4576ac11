"""The bodies of vLLM's answers (vllm/entrypoints/openai/*/protocol.py), whole and in pieces."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from tests.docker.vllm_stand_in_engine import RefusalError
from tests.docker.vllm_stand_in_metrics import Request

_VALUES: dict[str, Any] = {"string": "Paris", "integer": 1, "number": 1.5, "boolean": True, "array": []}


class Shape:
    """One request's answer: chat or completion, with a tool call where the request has tools."""

    def __init__(self, path: str, body: dict[str, Any], *, calls_tools: bool) -> None:
        self.chat = path == "/v1/chat/completions"
        self._model = body.get("model")
        self._id = f"{'chatcmpl' if self.chat else 'cmpl'}-{uuid.uuid4().hex}"
        self.call = self._tool_call(body, calls_tools) if self.chat else None
        self.prompt = _prompt(body)

    def whole(self, text: str, request: Request) -> dict[str, Any]:
        """An answer in one piece."""
        if not self.chat:
            choice: dict[str, Any] = {"index": 0, "text": text}
        elif self.call and request.reason != "abort":
            choice = {
                "index": 0,
                "message": {"role": "assistant", "content": None, "tool_calls": [self.call]},
            }
        else:
            choice = {"index": 0, "message": {"role": "assistant", "content": text}}
        choice |= {"logprobs": None, "finish_reason": self._reason(request), "stop_reason": None}
        kind = "chat.completion" if self.chat else "text_completion"
        return {**self._envelope(kind), "choices": [choice], "usage": _usage(request)}

    def opening(self) -> Iterator[dict[str, Any]]:
        """What comes before the first token."""
        if self.chat:
            yield self._delta({"role": "assistant", "content": ""})
        if self.call:
            function = {"name": self.call["function"]["name"], "arguments": ""}
            yield self._delta({"tool_calls": [{**self.call, "index": 0, "function": function}]})
            arguments = self.call["function"]["arguments"]
            for part in (arguments[:5], arguments[5:]):
                yield self._delta({"tool_calls": [{"index": 0, "function": {"arguments": part}}]})

    def piece(self, word: str) -> Iterator[dict[str, Any]]:
        """One token."""
        if self.call is None:
            yield self._delta({"content": word}) if self.chat else self._chunk({"index": 0, "text": word})

    def last(self, request: Request) -> dict[str, Any]:
        """The chunk with the reason."""
        reason = {"finish_reason": self._reason(request), "stop_reason": None}
        return self._chunk({"index": 0, **({"delta": {}} if self.chat else {"text": ""}), **reason})

    def usage(self, request: Request) -> dict[str, Any]:
        """The chunk behind the last, which has no choices."""
        return {**self._chunk({}), "choices": [], "usage": _usage(request)}

    def _reason(self, request: Request) -> str:
        return "tool_calls" if self.call and request.reason != "abort" else request.reason

    def _delta(self, delta: dict[str, Any]) -> dict[str, Any]:
        return self._chunk({"index": 0, "delta": delta, "logprobs": None, "finish_reason": None})

    def _chunk(self, choice: dict[str, Any]) -> dict[str, Any]:
        kind = "chat.completion.chunk" if self.chat else "text_completion"
        return {**self._envelope(kind), "choices": [choice]}

    def _envelope(self, kind: str) -> dict[str, Any]:
        return {"id": self._id, "object": kind, "created": int(time.time()), "model": self._model}

    def _tool_call(self, body: dict[str, Any], calls_tools: bool) -> dict[str, Any] | None:
        if not body.get("tools") or body.get("tool_choice") == "none":
            return None
        if not calls_tools:
            message = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
            raise RefusalError(400, "BadRequestError", message)
        function = body["tools"][0]["function"]
        fields = function.get("parameters", {}).get("properties", {})
        arguments = json.dumps({name: _VALUES[field["type"]] for name, field in fields.items()})
        call = {"name": function["name"], "arguments": arguments}
        return {"id": f"chatcmpl-tool-{uuid.uuid4().hex}", "type": "function", "function": call}


def _prompt(body: dict[str, Any]) -> str:
    if "messages" in body:
        return " ".join(str(message.get("content") or "") for message in body["messages"])
    return str(body.get("prompt", ""))


def _usage(request: Request) -> dict[str, Any]:
    made = len(request.tokens)
    total = request.prompt_tokens + made
    counts = {"prompt_tokens": request.prompt_tokens, "total_tokens": total, "completion_tokens": made}
    return {**counts, "prompt_tokens_details": None}
