"""The Modelfile of a served model: what Ollama is to make of the files in the store."""

import re
from collections.abc import Mapping, Sequence

from catalog.errors import KitError
from components.engines.contract import Serving

Value = bool | int | float | str | Sequence[str]

_NUMBERS: Mapping[str, tuple[type[int] | type[float], float, float]] = {
    "temperature": (float, 0, 2),
    "top_k": (int, 0, 100_000),
    "top_p": (float, 0, 1),
    "min_p": (float, 0, 1),
    "typical_p": (float, 0, 1),
    "repeat_last_n": (int, -1, 1_000_000),
    "repeat_penalty": (float, 0, 10),
    "presence_penalty": (float, -2, 2),
    "frequency_penalty": (float, -2, 2),
    "seed": (int, -1, 2**31 - 1),
    "num_keep": (int, -1, 1_000_000),
    "num_predict": (int, -1, 1_000_000),
}
"""Parameters of Ollama 0.17.4 (api/types.go, Options) that a variant may set, with type and limits."""

_OWNED = {
    "num_ctx": "contextLength",
    "num_batch": "ollama.numBatch",
    "num_thread": "ollama.numThread",
    "num_gpu": "ollama.numGpu",
    "use_mmap": "ollama.useMmap",
    "main_gpu": "gpus",
}
"""What the kit sets itself, and the setting that it follows."""

_PATH = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9._-]*)+")
_QUOTES = '"""'


def render(serving: Serving) -> str:
    """The Modelfile; the same text for the same settings. Raises KitError for what it cannot express."""
    variant, options = serving.variant.modelfile, serving.ollama
    template = options.template or (variant.template if variant else None)
    system = options.system or (variant.system if variant else None)
    chosen = {**(variant.parameters if variant else {}), **options.parameters}
    lines = [f"FROM {_path(serving.folder)}"]
    if variant and variant.adapter:
        lines.append(f"ADAPTER {_path(f'{serving.folder}/{variant.adapter}')}")
    lines += [f"PARAMETER {name} {value}" for name, value in sorted(_own(serving).items())]
    for name in sorted(chosen):
        lines += _parameter(name, chosen[name])
    if template is not None:
        lines.append(f"TEMPLATE {_quoted('template', template)}")
    if system is not None:
        lines.append(f"SYSTEM {_quoted('system', system)}")
    return "\n".join(lines) + "\n"


def threads(serving: Serving) -> int:
    """Threads that compute: as many as the limit of processors lets run at once."""
    return serving.ollama.num_thread or max(1, int(serving.cpus))


def batch(serving: Serving) -> int:
    """Tokens in one step. An embedding model sees its text as a whole, so it must take it in one."""
    if serving.model.task == "embedding":
        return serving.context_length
    return min(serving.ollama.num_batch, serving.context_length)


def _own(serving: Serving) -> dict[str, str]:
    options = serving.ollama
    own = {
        "num_ctx": str(serving.context_length),
        "num_batch": str(batch(serving)),
        "num_thread": str(threads(serving)),
    }
    if options.num_gpu is not None:
        own["num_gpu"] = str(options.num_gpu)
    if options.use_mmap is not None:
        own["use_mmap"] = str(options.use_mmap).lower()
    return own


def _parameter(name: str, value: Value) -> list[str]:
    if name in _OWNED:
        raise KitError(
            f"parameter {name} of an Ollama model",
            f"the kit sets it itself, from {_OWNED[name]}",
            f"Set {_OWNED[name]} instead.",
        )
    if name == "stop":
        stops = [value] if isinstance(value, str) else value
        if not isinstance(stops, Sequence) or not all(stops):
            raise KitError(f"parameter stop {value!r}", "it is a text or a list of texts", "Quote it.")
        return [f"PARAMETER stop {_quoted('stop', text)}" for text in stops]
    if name not in _NUMBERS:
        known = ", ".join(sorted([*_NUMBERS, "stop"]))
        raise KitError(f"parameter {name} of an Ollama model", f"Ollama has {known}", "Name one of these.")
    return [f"PARAMETER {name} {_number(name, value)}"]


def _number(name: str, value: Value) -> str:
    kind, low, high = _NUMBERS[name]
    fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    if not isinstance(value, int | float) or not fits or (kind is int and value != int(value)):
        what = "a whole number" if kind is int else "a number"
        raise KitError(f"parameter {name} {value!r}", f"it is {what} from {low:g} to {high:g}", "Change it.")
    return str(int(value)) if kind is int else f"{value:.10g}"


def _path(path: str) -> str:
    if not _PATH.fullmatch(path):
        raise KitError(
            f"path {path!r} for Ollama",
            "it has more than letters, digits, dot, dash and underscore, or leads out of the store",
            "Rename the file in the catalog's source.",
        )
    return path


def _quoted(what: str, text: str) -> str:
    """A Modelfile has no escapes, and its reader drops what does not print: both are refused."""
    lost = next((each for each in text if not (each.isprintable() or each in "\n\t")), None)
    if _QUOTES in text or lost is not None:
        found = "three double quotes in a row" if lost is None else f"the character U+{ord(lost):04X}"
        raise KitError(
            f"the {what} of an Ollama model",
            f"a Modelfile cannot hold {found}",
            "Write it in another way.",
        )
    return f"{_QUOTES}{text}{_QUOTES}"
