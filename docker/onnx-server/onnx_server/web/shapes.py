"""OpenAI's answer objects."""

import time
import uuid
from typing import Any

from onnx_server.core.ticket import Finish
from onnx_server.text.answer import Piece


class ChatShape:
    """``chat.completion`` and its chunks."""

    prefix, whole_object, chunk_object = "chatcmpl-", "chat.completion", "chat.completion.chunk"

    @staticmethod
    def choice(text: str) -> dict[str, Any]:
        """The answer of a whole response."""
        return {"message": {"role": "assistant", "content": text, "refusal": None}}

    @staticmethod
    def piece(text: str) -> dict[str, Any]:
        """One piece of a stream."""
        return {"delta": {"content": text} if text else {}}

    @staticmethod
    def opening() -> dict[str, Any] | None:
        """The first chunk of an answer, before its text."""
        return {"delta": {"role": "assistant", "content": ""}}


class TextShape:
    """``text_completion``."""

    prefix, whole_object, chunk_object = "cmpl-", "text_completion", "text_completion"

    @staticmethod
    def choice(text: str) -> dict[str, Any]:
        """The answer of a whole response."""
        return {"text": text}

    @staticmethod
    def piece(text: str) -> dict[str, Any]:
        """One piece of a stream."""
        return {"text": text}

    @staticmethod
    def opening() -> dict[str, Any] | None:
        """Text completions have none."""
        return None


Shape = type[ChatShape] | type[TextShape]


class Envelope:
    """Id, time and model, the same on every chunk of one response."""

    def __init__(self, shape: Shape, model: str) -> None:
        self._shape = shape
        self._head = {
            "id": shape.prefix + uuid.uuid4().hex,
            "created": int(time.time()),
            "model": model,
        }

    def whole(self, choices: list[tuple[str, Finish]], usage: dict[str, int]) -> dict[str, Any]:
        """A complete response."""
        return {
            **self._head,
            "object": self._shape.whole_object,
            "choices": [
                _choice(index, self._shape.choice(text), finish)
                for index, (text, finish) in enumerate(choices)
            ],
            "usage": usage,
        }

    def opening(self, index: int) -> dict[str, Any] | None:
        """The chunk before an answer's text, where the shape has one."""
        content = self._shape.opening()
        return self._chunk([_choice(index, content, None)]) if content else None

    def pieces(self, index: int, piece: Piece) -> list[dict[str, Any]]:
        """The chunks of one piece; the end has one of its own, as in OpenAI's streams."""
        chunks = []
        if piece.text:
            chunks.append(_choice(index, self._shape.piece(piece.text), None))
        if piece.finish:
            chunks.append(_choice(index, self._shape.piece(""), piece.finish))
        return [self._chunk([chunk]) for chunk in chunks]

    def usage(self, usage: dict[str, int]) -> dict[str, Any]:
        """The last chunk, when asked for."""
        return {**self._chunk([]), "usage": usage}

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {**self._head, "object": self._shape.chunk_object, "choices": choices}


def _choice(index: int, content: dict[str, Any], finish: Finish | None) -> dict[str, Any]:
    reason = finish.value if finish else None
    return {"index": index, **content, "logprobs": None, "finish_reason": reason}
