"""docs/engines.md: what each engine can do, as the last run of this suite showed it.

python -m tests.conformance.table           run the suite, write the table
python -m tests.conformance.table --render  write it from the results of the last run
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from catalog.engines import Capability, engines
from catalog.models import EngineName
from tests.conformance.marks import CAPABILITIES
from tests.conformance.results import Shown, committed
from tests.conformance.served import SERVED
from tests.conftest import ROOT

FILE = ROOT / "docs/engines.md"
WRITE = "SLM_KIT_WRITE_TABLE"
"""Set in a run that writes the table instead of comparing it."""

MEANING: Mapping[Capability, tuple[str, str]] = {
    "chat": ("Chat", "`/v1/chat/completions`; a value that cannot be is refused by name"),
    "completions": (
        "Text completion",
        "`/v1/completions` continues the text as it is, without a chat template",
    ),
    "streaming": ("Streaming", "each chunk arrives when it is made; together they are the whole answer"),
    "stop": ("Stop sequences", "the answer ends before them and nothing of them is streamed"),
    "seed": ("Seed", "a seed gives its answer again, another seed another answer"),
    "maxTokens": ("Token limit", "exactly so many tokens, `finish_reason` says `length`"),
    "usage": ("Usage", "tokens of prompt and answer, streamed too with `include_usage`"),
    "penalties": ("Penalties", "`frequency_penalty` and `presence_penalty` change the answer"),
    "contextOverflow": (
        "Context overflow",
        "prompt and answer beyond the context are refused with the limit, never cut",
    ),
    "cancellation": ("Cancellation", "a client that leaves frees its slot at once"),
    "concurrency": (
        "Concurrency",
        "as many requests at once as configured; the next wait at the gateway, then 503 with Retry-After",
    ),
    "tools": ("Tool calls", "for a model whose template knows tools; another one refuses them with 400"),
    "jsonSchema": ("JSON schema", "`response_format` with a schema: the answer follows it"),
    "embeddings": ("Embeddings", "`/v1/embeddings` for models that embed; one that chats refuses with 400"),
    "logprobs": ("Logprobs", "the logarithm of each token's probability in a chat"),
    "choices": ("Several answers", "`n` above 1, and a list of prompts in a text completion"),
    "logitBias": ("Logit bias", "`logit_bias`"),
    "extensions": (
        "Fields beside OpenAI's",
        "`top_k`, `min_p`, `repetition_penalty`, `guided_json`, ... as vLLM has them",
    ),
}


def render(shown: Shown) -> str:
    """The whole file."""
    notes: list[str] = []
    heads = [_title(name) for name in engines()]
    rows = [
        [MEANING[capability][0], *(_cell(name, capability, shown, notes) for name in engines())]
        for capability in CAPABILITIES
    ]
    lines = [
        "# What each engine can do",
        "",
        "<!-- Made by `python -m tests.conformance.table` out of catalog/engines.yaml and a run. -->",
        "",
        "One suite (tests/conformance) sends the same requests through the gateway to each engine that runs",
        "on a machine without a GPU. A number is that of the tests which showed it in the last run. What an",
        "engine cannot do it refuses with 400 and the name of the field, which is tested, too: nothing is",
        "ignored.",
        "",
        *_table(["", *heads], rows),
        "",
        *(f"{number}. {note}" for number, note in enumerate(notes, 1)),
        "",
        "## What is meant",
        "",
        *(f"- **{title}**: {text}." for title, text in (MEANING[each] for each in CAPABILITIES)),
    ]
    return "\n".join(lines) + "\n"


def _title(name: EngineName) -> str:
    title = engines()[name].title
    return title if name in SERVED else f"{title} (not run here)"


def _cell(name: EngineName, capability: Capability, shown: Shown, notes: list[str]) -> str:
    says = engines()[name].capabilities[capability]
    tests = sum(shown.get(name, {}).get(capability, {}).values())
    count = f", {tests}" if name in SERVED else ""
    if says is True:
        return f"yes{count}"
    if says == "up to the endpoint":
        return "up to it"
    if says not in notes:
        notes.append(says)
    return f"no{count} [{notes.index(says) + 1}]"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [line(head), line(["-" * width for width in widths]), *map(line, rows)]


def main(arguments: list[str]) -> int:
    """Run the suite with the table to be written, or write it only."""
    if arguments == ["--render"]:
        FILE.write_text(render(committed()))
        return 0
    suite = Path(__file__).parent
    command = [sys.executable, "-m", "pytest", str(suite), *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, WRITE: "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
