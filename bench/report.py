"""The result as a Markdown table and a plot."""

import datetime
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Load, p95
from bench.overhead import AT_ONCE, ROUND_SECONDS, Overhead
from ops.paths import CHECKOUT

FOLDER = CHECKOUT / "docs" / "bench"
RAW = "raw loop"


@dataclass(frozen=True)
class Memory:
    """Peak of one engine with every slot full, against what catalog/sizing said before; bytes."""

    predicted: int
    measured: int
    filled: int
    """Tokens that the least full slot held."""

    @property
    def ratio(self) -> float:
        return self.predicted / self.measured


@dataclass(frozen=True)
class Result:
    """Everything that one run measured."""

    loads: Mapping[str, Mapping[int, Sequence[Load]]]
    """By engine, then by requests at once: a load a round."""
    raw: Mapping[int, Sequence[float]]
    """Tokens per second of the raw loop, in the same rounds."""
    memory: Mapping[str, Memory]
    overhead: Overhead
    """Of monitoring on ONNX. It is stopped in everything above."""
    setting: str
    versions: Mapping[str, str]
    today: datetime.date = field(default_factory=datetime.date.today)


MEMORY_TOLERANCE = 0.10
NOISE_TOLERANCE = 0.10
"""More than rounds differ by on a machine that does nothing else."""


def misses(result: Result) -> list[str]:
    """What the kit claims and this run did not show."""
    missed = [
        f"memory of {engine}: predicted {memory.ratio:.2f} of what was measured"
        for engine, memory in result.memory.items()
        if abs(memory.ratio - 1) > MEMORY_TOLERANCE
    ]
    watched = result.overhead
    if 1 - watched.ratio > min(watched.noise, NOISE_TOLERANCE):
        missed.append(
            f"speed with monitoring: {watched.ratio:.2f} of that without, whose rounds differ by "
            f"{watched.noise:.2f}"
        )
    return missed


def markdown(result: Result) -> str:
    """The report; every ratio is a median over the rounds, each taken in one round."""
    lines = [
        f"# Bench of {result.today.isoformat()}",
        "",
        f"{result.setting}. {_machine()}. {', '.join(f'{k} {v}' for k, v in result.versions.items())}.",
        "Medians over the rounds. One machine, shared with others: compare within a table only.",
        "The monitoring set was stopped, the last table apart.",
        "",
        "| at once | engine | tokens/s | of Ollama's | first token, s | between tokens, p95, ms |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    for count in next(iter(result.loads.values())):
        for engine, loads in result.loads.items():
            lines.append(_row(count, engine, loads[count], result.loads["ollama"][count]))
        pairs = zip(result.raw[count], result.loads["ollama"][count], strict=True)
        ratio = statistics.median(raw / peer.tokens_per_second for raw, peer in pairs)
        lines.append(f"| {count} | {RAW} | {statistics.median(result.raw[count]):.0f} | {ratio:.2f} | | |")
    lines += [
        "",
        "| engine | predicted, MiB | measured, MiB | predicted/measured | least full slot, tokens |",
        "|---|---:|---:|---:|---:|",
    ]
    for engine, memory in result.memory.items():
        mib = 1024 * 1024
        lines.append(
            f"| {engine} | {memory.predicted / mib:.0f} | {memory.measured / mib:.0f} | {memory.ratio:.2f} "
            f"| {memory.filled} |"
        )
    lines += ["", *_overhead(result.overhead), "", f"![tokens per second]({result.today.isoformat()}.svg)"]
    return "\n".join(lines) + "\n"


def write(result: Result) -> Path:
    """Write table and plot into docs/bench; the table's path."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{result.today.isoformat()}.md"
    path.write_text(markdown(result))
    _plot(result, path.with_suffix(".svg"))
    return path


def _row(count: int, engine: str, loads: Sequence[Load], peers: Sequence[Load]) -> str:
    ratios = [own.tokens_per_second / peer.tokens_per_second for own, peer in zip(loads, peers, strict=True)]
    rate = statistics.median(each.tokens_per_second for each in loads)
    first = statistics.median(statistics.median(each.first_token_seconds) for each in loads)
    gap = statistics.median(p95(each.gaps_seconds) for each in loads) * 1000
    return f"| {count} | {engine} | {rate:.0f} | {statistics.median(ratios):.2f} | {first:.2f} | {gap:.0f} |"


def _overhead(found: Overhead) -> list[str]:
    megabytes = {part: used / 1e6 for part, used in found.memory.items()}
    parts = ", ".join(f"{part} {used:.0f}" for part, used in sorted(megabytes.items()))
    rows = {"stopped": (found.stopped, 1.0), "running": (found.running, found.ratio)}
    return [
        "| monitoring | onnx, tokens/s | slowest round | fastest round | of stopped |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {name} | {statistics.median(rates):.0f} | {min(rates):.0f} | {max(rates):.0f} | {ratio:.2f} |"
            for name, (rates, ratio) in rows.items()
        ),
        "",
        f"{AT_ONCE} requests at once, {len(found.running)} pairs of rounds of {ROUND_SECONDS:.0f} s each; "
        f"the ratio is the pairs' median. The set takes {sum(megabytes.values()):.0f} MB just behind a round "
        f"({parts}), page cache that the kernel can drop not counted.",
    ]


def _plot(result: Result, path: Path) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # The same numbers give the same file.
    mpl.rcParams["svg.hashsalt"] = "slm-kit"
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    counts = list(result.raw)
    series = {
        engine: [statistics.median(each.tokens_per_second for each in loads[count]) for count in counts]
        for engine, loads in result.loads.items()
    } | {RAW: [statistics.median(result.raw[count]) for count in counts]}
    width = 0.8 / len(series)
    for index, (name, rates) in enumerate(series.items()):
        places = [place + (index - (len(series) - 1) / 2) * width for place in range(len(counts))]
        bars = axes.bar(places, rates, width, label=name)
        axes.bar_label(bars, fmt="%.0f")
    axes.set_xticks(range(len(counts)), [str(count) for count in counts])
    axes.set_xlabel("requests at once")
    axes.set_ylabel("tokens per second, all answers")
    axes.set_title(result.setting, fontsize=9)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": result.today.isoformat()})


def _machine() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ] if Path("/proc/cpuinfo").exists() else []  # fmt: skip
    return f"{names[0] if names else platform.machine()}, {platform.system()}, {len(names) or '?'} processors"
