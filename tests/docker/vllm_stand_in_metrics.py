"""The series that a real vLLM exported, set to zero and then moved by the stand-in's own traffic."""

import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

_SAMPLE = re.compile(r"(?P<name>[\w:]+)\{(?P<labels>.*)\} \S+")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_CONSTANT = ("vllm:cache_config_info", "vllm:engine_sleep_state")

Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass
class Request:
    """What is counted of one request, from its arrival on. Times are those of `time.monotonic`."""

    prompt_tokens: int
    max_tokens: int
    arrived: float = field(default_factory=time.monotonic)
    started: float = 0
    """When it left the queue."""
    tokens: list[float] = field(default_factory=list)
    """When each token of the answer was made."""
    reason: str = ""
    """Why it ended, once it has."""


class Metrics:
    """Exports what was recorded and nothing else: to count a series that vLLM does not have is an error."""

    def __init__(self, recorded: Path, model: str) -> None:
        self._lock = threading.Lock()
        self._lines: list[str | Key] = []
        self._values: dict[Key, float] = {}
        for line in recorded.read_text().splitlines():
            found = _SAMPLE.fullmatch(line)
            if found is None:
                self._lines.append(line)
                continue
            labels = dict(_LABEL.findall(found["labels"]))
            if "model_name" in labels:
                labels["model_name"] = model
            key = (found["name"], tuple(labels.items()))
            self._lines.append(key)
            self._values[key] = float(line.rsplit(" ", 1)[1]) if found["name"] in _CONSTANT else 0

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Move one series, named by its labels beside model and engine."""
        with self._lock:
            (key,) = self._matching(name, labels)
            self._values[key] += amount

    def observe(self, name: str, value: float) -> None:
        """One observation of a histogram."""
        with self._lock:
            for key in self._matching(f"{name}_bucket", {}):
                self._values[key] += value <= float(dict(key[1])["le"])
            for suffix, amount in (("sum", value), ("count", 1)):
                (key,) = self._matching(f"{name}_{suffix}", {})
                self._values[key] += amount

    def finished(self, request: Request) -> None:
        """Everything that vLLM counts when a request ends."""
        now = time.monotonic()
        made = request.tokens
        started = request.started or now
        self.add("vllm:request_success_total", finished_reason=request.reason)
        for name, value in (
            ("vllm:request_prompt_tokens", request.prompt_tokens),
            ("vllm:request_generation_tokens", len(made)),
            ("vllm:request_params_max_tokens", request.max_tokens),
            ("vllm:request_queue_time_seconds", started - request.arrived),
            ("vllm:request_inference_time_seconds", now - started),
            ("vllm:e2e_request_latency_seconds", now - request.arrived),
        ):
            self.observe(name, value)
        if made:
            self.observe("vllm:time_to_first_token_seconds", made[0] - request.arrived)
            self.observe("vllm:request_prefill_time_seconds", made[0] - started)
            self.observe("vllm:request_decode_time_seconds", made[-1] - made[0])
        gaps = [later - earlier for earlier, later in pairwise(made)]
        for gap in gaps:
            self.observe("vllm:inter_token_latency_seconds", gap)
        if gaps:
            self.observe("vllm:request_time_per_output_token_seconds", sum(gaps) / len(gaps))

    def render(self) -> str:
        """The exposition text, in the order it was recorded in."""
        with self._lock:
            return "".join(f"{self._line(line)}\n" for line in self._lines)

    def _line(self, line: str | Key) -> str:
        if isinstance(line, str):
            return line
        name, labels = line
        text = ",".join(f'{label}="{value}"' for label, value in labels)
        return f"{name}{{{text}}} {self._values[line]}"

    def _matching(self, name: str, labels: dict[str, str]) -> Iterable[Key]:
        found = [key for key in self._values if key[0] == name and labels.items() <= dict(key[1]).items()]
        if not found:
            raise KeyError(f"vLLM has no series {name} {labels}")
        return found
