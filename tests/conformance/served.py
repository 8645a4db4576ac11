"""The stack of this suite, what it serves on each engine, and how a test talks to it.

The engines that run here answer for the same model, under two names. What a small model was not trained
for is shown with models of the suite's own: the same weights with a template that knows tools, and the
tiny random model with a pooling, as embedding models have it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx
from openai import OpenAI

from catalog.models import EngineName
from tests.conformance.streams import Event, events_of
from tests.stack.rig import MODEL, Stack

CONTEXT = 1024
CONCURRENCY = 2
MAX_QUEUE = 4
QUESTION: Any = [
    {"role": "system", "content": "You answer questions."},
    {"role": "user", "content": "My name is Zora. Say hello."},
    {"role": "assistant", "content": "Hello, Zora!"},
    {"role": "user", "content": "My name is Zora. Say hello\nagain."},
]
ANSWER = "Zora"
"""So small a model, quantized in two ways, knows the capital of France on one engine and not on the other;
what stands before its eyes it repeats on both."""
STORY: Any = [{"role": "user", "content": "Tell me a story about the sea."}]
ALPHABET = "A B C" + " A B C" * 5
"""It goes on with this in the same way."""
COUNTING = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,"
"""A model of 135M parameters goes on with this until it is stopped."""


class Served(NamedTuple):
    """Public names of what one engine serves."""

    chat: str
    tools: str | None = None
    """A model whose template knows tools; None where the engine has no tools."""
    embedding: str | None = None
    """A model that embeds; None where the engine has no embeddings."""


SERVED: Mapping[EngineName, Served] = {
    "onnx": Served(MODEL),
    "ollama": Served("smollm2-ollama", "smollm2-ollama-tools", "tiny-embedding"),
}
"""The engines that run here. The others need what a machine without a GPU and the internet lacks."""


def settings() -> list[dict[str, object]]:
    """`slm-kit:models` of the stack."""
    bounds = {"contextLength": CONTEXT, "concurrency": CONCURRENCY, "maxQueue": MAX_QUEUE}
    small = {"contextLength": 512, "concurrency": 1}
    onnx, ollama = SERVED["onnx"], SERVED["ollama"]
    return [
        {"name": onnx.chat, "engine": "onnx", **bounds},
        {"name": ollama.chat, "model": MODEL, "engine": "ollama", "variant": "gguf-q4_1", **bounds},
        {"name": ollama.tools, "model": MODEL, "engine": "ollama", "variant": "gguf-q4_1-tools", **bounds},
        {"name": ollama.embedding, "engine": "ollama", "variant": "gguf", **small},
    ]


@dataclass(frozen=True)
class Api:
    """One engine's model behind the gateway."""

    stack: Stack
    engine: EngineName

    @property
    def names(self) -> Served:
        """What the engine serves."""
        return SERVED[self.engine]

    @property
    def model(self) -> str:
        """The chat model's public name."""
        return self.names.chat

    @property
    def client(self) -> OpenAI:
        """The official client."""
        return self.stack.client()

    def post(self, path: str, **body: object) -> httpx.Response:
        """A request for the chat model, whatever the answer."""
        return self.stack.post(path, {"model": self.model, **body})

    def chat(self, **options: object) -> dict[str, Any]:
        """An answer to a question, greedy and short unless `options` say otherwise."""
        return _good(self.post("/chat/completions", **_chat(options)))

    def complete(self, prompt: object = COUNTING, **options: object) -> dict[str, Any]:
        """A continuation of `prompt`, greedy unless `options` say otherwise."""
        return _good(self.post("/completions", prompt=prompt, **{"temperature": 0, **options}))

    def refused(self, path: str, names: str, **body: object) -> dict[str, Any]:
        """The error of a request that has to be refused: 400, in OpenAI's form, naming the thing."""
        if path == "/chat/completions":
            body = _chat(body)
        answer = self.post(path, **body)
        assert answer.status_code == 400, f"{answer.status_code} {answer.text}"
        error: dict[str, Any] = answer.json()["error"]
        assert set(error) >= {"message", "type", "param", "code"}, error
        assert error["type"] == "invalid_request_error", error
        assert error["code"], error
        assert names.lower() in error["message"].lower(), error
        return error

    @contextmanager
    def streaming(self, path: str, **body: object) -> Iterator[Iterator[Event]]:
        """The chunks of a streamed answer as they arrive; leaving the block leaves the request."""
        asked = {"model": self.model, "stream": True, **body}
        headers = {"Authorization": f"Bearer {self.stack.key}"}
        with (
            httpx.Client(headers=headers, timeout=120, trust_env=False) as client,
            client.stream("POST", f"{self.stack.url}{path}", json=asked) as answer,
        ):
            assert answer.status_code == 200, answer.read()
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield events_of(answer)

    def streamed(self, path: str, **body: object) -> list[Event]:
        """All chunks of a streamed answer."""
        with self.streaming(path, **body) as events:
            return list(events)

    def long(self, tokens: int) -> dict[str, object]:
        """A body for /completions that keeps a slot busy for that many tokens."""
        return {"prompt": COUNTING, "max_tokens": tokens, "temperature": 0}


def text_of(answer: Mapping[str, Any]) -> str:
    """The text of the first choice."""
    choice = answer["choices"][0]
    found = choice["message"]["content"] if "message" in choice else choice["text"]
    assert isinstance(found, str), choice
    return found


def finish_of(answer: Mapping[str, Any]) -> str:
    """Why the first choice ended."""
    return str(answer["choices"][0]["finish_reason"])


def _chat(options: Mapping[str, object]) -> dict[str, object]:
    return {"messages": QUESTION, "temperature": 0, "max_tokens": 24, **options}


def _good(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
    found: dict[str, Any] = answer.json()
    return found
