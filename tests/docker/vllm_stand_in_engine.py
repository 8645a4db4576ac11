"""The stand-in's engine: command line, slots, a queue, and tokens that take time. A token is a word."""

import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from tests.docker.vllm_stand_in_metrics import Metrics, Request

SENTENCE = ["The", "capital", "of", "France", "is", "Paris."]
TOKEN_SECONDS = 0.03


class RefusalError(Exception):
    """An error in vLLM's form."""

    def __init__(self, status: int, kind: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": status}}


class Arguments:
    """What `vllm serve` was given; a flag that it does not have ends the program, as it ends vLLM."""

    def __init__(self, recorded: Path, words: list[str]) -> None:
        known = set((recorded / "flags.txt").read_text().split())
        self.model, *rest = words
        self.flags: dict[str, list[str]] = {}
        values: list[str] = []
        for word in rest:
            if word.startswith("--"):
                if word not in known and word.replace("--no-", "--", 1) not in known:
                    sys.exit(f"vllm serve: error: unrecognized arguments: {word}")
                values = self.flags[word] = []
            else:
                values.append(word)

    def number(self, flag: str) -> int:
        """The one value of a flag."""
        return int(self.flags[flag][0])


class Engine:
    """What happens to a request between its body and its answer."""

    def __init__(self, arguments: Arguments, metrics: Metrics) -> None:
        self.names = list(arguments.flags["--served-model-name"])
        self.names += [each.partition("=")[0] for each in arguments.flags.get("--lora-modules", ())]
        self.context = arguments.number("--max-model-len")
        self.calls_tools = "--enable-auto-tool-choice" in arguments.flags
        self.always_usage = "--enable-force-include-usage" in arguments.flags
        self.metrics = metrics
        self.draining = False
        self.inside = self.peak = 0
        """Requests that wait or run, now and at most."""
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(arguments.number("--max-num-seqs"))

    def admit(self, prompt: str, body: dict[str, Any]) -> Request:
        """Check a request and count its prompt. Raises RefusalError."""
        if body.get("model") not in self.names:
            raise RefusalError(404, "NotFoundError", f"The model `{body.get('model')}` does not exist.")
        tokens = len(prompt.split())
        left = self.context - tokens
        if left < 1:
            raise RefusalError(
                400,
                "BadRequestError",
                f"This model's maximum context length is {self.context} tokens. However, your prompt "
                f"contains {tokens} input tokens, which exceeds this limit even without any output tokens. "
                "Please reduce the length of the input prompt.",
                "input_tokens",
            )
        wanted = body.get("max_completion_tokens") or body.get("max_tokens") or left
        return Request(tokens, min(wanted, left))

    def words(self, request: Request, body: dict[str, Any]) -> Generator[str, None, None]:
        """The answer, word by word; `request.reason` is set with the last. Closing it early aborts."""
        count, reason = request.max_tokens, "length"
        if not body.get("ignore_eos") and count >= len(SENTENCE):
            count, reason = len(SENTENCE), "stop"
        if self.draining:
            # 0.32 answers what comes after the stop signal with an aborted, empty answer.
            count, reason = 0, "abort"
        with self._slot(request):
            try:
                for word in islice(cycle(SENTENCE), count):
                    time.sleep(TOKEN_SECONDS)
                    request.tokens.append(time.monotonic())
                    self.metrics.add("vllm:generation_tokens_total")
                    yield word if len(request.tokens) == 1 else f" {word}"
            except GeneratorExit:
                reason = "abort"
                raise
            finally:
                request.reason = reason
                self.metrics.finished(request)

    @contextmanager
    def _slot(self, request: Request) -> Iterator[None]:
        self._comes_in(1)
        self._waits(1)
        self._slots.acquire()
        self._waits(-1)
        self.metrics.add("vllm:num_requests_running")
        request.started = time.monotonic()
        self.metrics.add("vllm:prompt_tokens_by_source_total", request.prompt_tokens, source="local_compute")
        for name in ("vllm:prompt_tokens_total", "vllm:prefix_cache_queries_total"):
            self.metrics.add(name, request.prompt_tokens)
        try:
            yield
        finally:
            self.metrics.add("vllm:num_requests_running", -1)
            self._slots.release()
            self._comes_in(-1)

    def _waits(self, change: int) -> None:
        self.metrics.add("vllm:num_requests_waiting", change)
        self.metrics.add("vllm:num_requests_waiting_by_reason", change, reason="capacity")

    def _comes_in(self, change: int) -> None:
        with self._lock:
            self.inside += change
            self.peak = max(self.peak, self.inside)
