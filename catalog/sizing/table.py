"""Sizes as a table for people and as plain data for a stack's output."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from catalog.models import EngineName
from catalog.sizing.cost import cold_start_of, offer_of, usd_a_million_tokens, usd_a_month
from catalog.sizing.fit import Fit
from catalog.sizing.memory import GIB
from catalog.sizing.speed import tokens_per_second

WIDTH = 120
"""Columns of a terminal that every table keeps to."""

FOOTNOTE = (
    "tok/s: at most about this, by memory bandwidth with every context full; for one request and for all.\n"
    "cold s: node, image, download and load of a first start on Azure, without a conversion by the kit.\n"
    "$: pay as you go for the whole machine, 730 hours a month, also where it has more GPUs than are used\n"
    "(1 of 8 x ...); $/Mtok at full use of tok/s."
)


@dataclass(frozen=True)
class SizeRow:
    """One model on one machine; bytes, seconds and US dollars, None where unknown."""

    name: str
    """Public model id."""
    engine: EngineName
    variant: str
    context: int
    concurrency: int
    hardware: str
    gpus: int
    fits: bool
    weights: int
    kv_cache: int
    overhead: int
    needs: int
    """Memory that has to be there; on GPUs, on each."""
    has: int | None
    memory_limit: int
    """Hard limit of the container's main memory."""
    tokens_per_second_one: float | None
    tokens_per_second_all: float | None
    cold_start_seconds: float | None
    usd_per_month: float | None
    usd_per_million_tokens: float | None


def size_row(found: Fit, name: str | None = None) -> SizeRow:
    """The numbers of one fit; `name` where the model is served under another one."""
    size, start = found.estimate, cold_start_of(found)
    return SizeRow(
        name=name or found.model.name,
        engine=found.engine,
        variant=found.variant,
        context=found.load.context,
        concurrency=found.load.concurrency,
        hardware=machine(found),
        gpus=found.gpus,
        fits=found.fits,
        weights=size.weights,
        kv_cache=size.kv,
        overhead=size.overhead,
        needs=size.needs,
        has=found.has,
        memory_limit=size.limit,
        tokens_per_second_one=tokens_per_second(found, 1),
        tokens_per_second_all=tokens_per_second(found),
        cold_start_seconds=None if start is None else start.total,
        usd_per_month=usd_a_month(found),
        usd_per_million_tokens=usd_a_million_tokens(found),
    )


def as_output(rows: Sequence[SizeRow]) -> list[dict[str, Any]]:
    """The rows as plain JSON-able data: a stack's output `sizing`."""
    return [asdict(row) for row in rows]


def stack_table(rows: Sequence[SizeRow]) -> str:
    """What a stack's models need, one a line, and what the columns mean; memory in GiB."""
    head = (
        "model", "engine", "load", "weights", "KV", "other", "needs", "has", "tok/s", "all",
        "cold s", "$/month"
    )  # fmt: skip
    lines = [
        (
            _cut(row.name, 28), row.engine, f"{row.concurrency} x {row.context}", gib(row.weights),
            gib(row.kv_cache), gib(row.overhead), gib(row.needs), gib(row.has),
            number(row.tokens_per_second_one), number(row.tokens_per_second_all),
            number(row.cold_start_seconds), number(row.usd_per_month),
        )
        for row in rows
    ]  # fmt: skip
    return f"{render(head, lines, left=3)}\n{FOOTNOTE}"


def machine_table(rows: Sequence[SizeRow]) -> str:
    """One model on many machines, one a line, and what the columns mean; memory in GiB."""
    head = (
        "hardware", "fits", "engine", "variant", "needs", "has", "tok/s", "all", "cold s", "$/month", "$/Mtok"
    )  # fmt: skip
    lines = [
        (
            row.hardware, "yes" if row.fits else "no", row.engine, row.variant, gib(row.needs), gib(row.has),
            *(
                (
                    number(row.tokens_per_second_one), number(row.tokens_per_second_all),
                    number(row.cold_start_seconds), number(row.usd_per_month),
                    money(row.usd_per_million_tokens),
                )
                if row.fits
                else ("-",) * 5
            ),
        )
        for row in rows
    ]  # fmt: skip
    return f"{render(head, lines, left=4)}\n{FOOTNOTE}"


def machine(found: Fit) -> str:
    """The machine's title, with the GPUs that are used where they are several, or not all that are paid."""
    offer = offer_of(found)
    if found.gpus and offer is not None and offer.gpus > found.gpus:
        return f"{found.gpus} of {offer.gpus} x {found.hardware.title}"
    return f"{found.gpus} x {found.hardware.title}" if found.gpus > 1 else found.hardware.title


def render(head: Sequence[str], lines: Sequence[Sequence[str]], left: int) -> str:
    """Columns as wide as their widest cell, the first `left` flush left, the others right."""
    widths = [max(len(line[at]) for line in (head, *lines)) for at in range(len(head))]

    def one(line: Sequence[str]) -> str:
        cells = (
            cell.ljust(width) if at < left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    return "\n".join(one(line) for line in (head, *lines))


def gib(value: int | None) -> str:
    """Bytes in GiB: two digits after the point below ten, one above."""
    if value is None:
        return "unknown"
    return f"{value / GIB:.2f}" if value < 10 * GIB else f"{value / GIB:.1f}"


def number(value: float | None) -> str:
    """Without digits after the point from ten on."""
    if value is None:
        return "unknown"
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def money(value: float | None) -> str:
    """Dollars and cents."""
    return "unknown" if value is None else f"{value:.2f}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
