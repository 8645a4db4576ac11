"""`make models`: the catalog as a table, or one model in detail."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from catalog import models as catalog

WIDTH = 110
"""Columns of the terminal that the table fits."""

COLUMNS = ("model", "class", "size", "ctx", "licence", "tools", "onnx", "ollama", "vllm", "ext.")
NOTES = """\
size     in parameters; class micro up to 1.4B, small up to 14B, medium up to 30B
*        its licence must be accepted at the hub, by the account whose token is used
(q8_0)   open: `make lock-models MODELS=…` finds out what would be served, where the hub answers
ext.     served behind an external endpoint only; what any endpoint serves can be named as external"""


def show(name: str | None = None) -> None:
    """Print the catalog, or the model of that name. Raises KitError for an unknown one."""
    print(table(catalog.load()) if name is None else detail(catalog.find(name)))


def table(models: Mapping[str, catalog.Model]) -> str:
    """One line a model, sorted by name, with the notes that explain its signs."""
    rows = [COLUMNS, *(_row(models[name]) for name in sorted(models))]
    return f"{_aligned(rows)}\n\n{NOTES}"


def detail(model: catalog.Model) -> str:
    """Everything the catalog knows about one model."""
    attention = model.attention
    window = (
        f", {attention.sliding_layers} of them see the last {attention.sliding_window} tokens"
        if attention.sliding_layers
        else ""
    )
    active = f", {_count(model.active_parameters)} a token" if model.active_parameters else ""
    facts = [
        ("title", model.title),
        ("task", model.task + (f", {model.embedding_size} dimensions" if model.embedding_size else "")),
        ("class", f"{model.size_class}, {model.parameters:,} parameters{active}"),
        ("context", f"{model.context_length:,} tokens"),
        (
            "attention",
            f"{attention.layers} layers{window}; {attention.kv_heads} KV heads of {attention.head_size}",
        ),
        ("licence", " ".join(filter(None, [_licence(model), model.licence_url]))),
        ("tools", f"{model.tools.vllm_parser}. {model.tools.facts}" if model.tools else "none"),
        ("template", model.chat_template or "the model's own"),
        ("facts", model.facts),
    ]
    variants = [("variant", "engine", "size", "state", "made from"), *_variants(model)]
    return "\n".join([model.name, *(_wrapped(*fact) for fact in facts), "", _aligned(variants)])


def _row(model: catalog.Model) -> Sequence[str]:
    engines: Sequence[catalog.EngineName] = ("onnx", "ollama", "vllm", "external")
    return (
        model.name,
        model.size_class,
        _count(model.parameters),
        f"{model.context_length // 1024}K",
        _licence(model),
        "yes" if model.tools else "-",
        *(
            _forms(variant for variant in model.variants.values() if variant.engine == each)
            for each in engines
        ),
    )


def _forms(variants: Iterable[catalog.Variant]) -> str:
    """Quantizations, each once; those that no variant has locked in brackets."""
    locked: dict[str, bool] = {}
    for variant in variants:
        locked[variant.quantization] = locked.get(variant.quantization, False) or variant.locked
    known = [name for name, is_locked in locked.items() if is_locked]
    still_open = [name for name, is_locked in locked.items() if not is_locked]
    return " ".join([*known, *([f"({' '.join(still_open)})"] if still_open else [])]) or "-"


def _variants(model: catalog.Model) -> Iterable[Sequence[str]]:
    for name, variant in model.variants.items():
        source = variant.source
        made_from = {"hf": "repository", "pypi": "package", "oci": "reference"}.get(source.kind)
        origin = str(getattr(source, made_from)) if made_from else source.kind
        conversion = " (converted here)" if variant.convert else ""
        size = f"{variant.bytes / 1e9:.2f} GB"
        yield name, variant.engine, size, "locked" if variant.locked else "open", origin + conversion


def _licence(model: catalog.Model) -> str:
    return model.licence + ("*" if model.licence_must_be_accepted else "")


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.1f}B" if parameters >= 999_500_000 else f"{parameters / 1e6:.0f}M"


def _wrapped(name: str, text: str) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=f"  {name:<10}", subsequent_indent=" " * 12, break_long_words=False
    )


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (" ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
