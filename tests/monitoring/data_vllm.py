"""What a real vLLM 0.32.0 exported, and what it would export later."""

import re
from pathlib import Path

RECORDED = Path(__file__).parents[1] / "data/vllm/metrics.txt"
PROCESS = """# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 1.57147136e+09
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.79528845938e+09
"""
"""Of the same recording, what Python's client adds: the file holds vLLM's own series only."""
_TYPE = re.compile(r"# TYPE (?P<name>\S+) (?P<type>\w+)")
GROWTH = 3
"""Each counter and bucket of the later scrape is so many times the recorded one: buckets stay in order."""
FROM_ZERO = 7.0
"""What a counter that was 0 has grown to. Buckets that were 0 stay so."""


def recorded() -> str:
    """The scrape as it was recorded."""
    return PROCESS + RECORDED.read_text()


def later(scrape: str) -> str:
    """A second scrape, derived from the first: counters and buckets have risen."""
    kind = ""
    lines = []
    for line in scrape.splitlines():
        if found := _TYPE.match(line):
            kind = found["type"]
        lines.append(_raised(line, kind) if kind in ("counter", "histogram") else line)
    return "\n".join(lines) + "\n"


def _raised(line: str, kind: str) -> str:
    if line.startswith("#"):
        return line
    series, _, text = line.rpartition(" ")
    value = float(text) * GROWTH
    return f"{series} {value or (FROM_ZERO if kind == 'counter' else 0.0)}"
