"""The command line, checked before anything is loaded."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from onnx_server import __version__

_LONGEST_NAME = 256
_EPILOG = """\
memory: weights + slots x context length x KV bytes a token (SmolLM2-135M: 46 KB); KV pages are
committed as tokens arrive. Refused at start when it all could exceed the memory limit.
exit codes: 0 drained, 1 engine failed, 2 wrong option or unsupported model, 3 host (port,
memory), 4 model files do not match their manifest.
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says. 0 stands for "decide by yourself" where it is allowed."""

    model: Path
    served_name: str
    context_length: int
    slots: int
    queue: int
    threads: int
    prefill_chunk: int
    host: str
    port: int
    drain_seconds: int
    linger_seconds: int
    allow_unverified: bool


def parse_settings(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from ``arguments`` (default: the process's); exits with code 2 when one is wrong."""
    parser = _parser()
    options = parser.parse_args(arguments)
    folder: Path = options.model
    if not folder.is_dir():
        parser.error(f"--model {folder}: no such folder: name one of the model store")
    name = options.served_name or folder.resolve().name
    if not name.isprintable() or len(name) > _LONGEST_NAME:
        parser.error(f"--served-name {name!r}: at most {_LONGEST_NAME} printable characters are needed")
    return Settings(**{**vars(options), "served_name": name})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="onnx-server",
        description="OpenAI-compatible server for ONNX models, continuous batching.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="folder with genai_config.json")
    add("--served-name", default="", help="model id for clients (default: the folder's name)")
    add(
        "--context-length",
        type=_whole(0, 1 << 20),
        default=0,
        help="tokens of prompt and answer (default: the model's, at most 4096)",
    )
    add("--slots", type=_whole(1, 256), default=8, help="answers at once (default: 8)")
    add("--queue", type=_whole(0, 10_000), default=32, help="waiting beyond them (default: 32)")
    add(
        "--threads",
        type=_whole(0, 1024),
        default=0,
        help="0: physical cores within the container's CPU quota (default)",
    )
    add(
        "--prefill-chunk",
        type=_whole(1, 4096),
        default=64,
        help="prompt tokens between two steps of running answers (default: 64)",
    )
    add("--host", default="0.0.0.0", help="address to listen on (default: all)")
    add("--port", type=_whole(1, 65535), default=8000, help="(default: 8000)")
    add(
        "--drain-seconds",
        type=_whole(0, 3600),
        default=30,
        help="how long running answers may go on after SIGTERM (default: 30)",
    )
    add(
        "--linger-seconds",
        type=_whole(0, 300),
        default=0,
        help="after SIGTERM /ready fails, but requests are still taken for so long (default: 0)",
    )
    add("--allow-unverified", action="store_true", help="serve a folder without manifest.json")
    add("--version", action="version", version=__version__)
    return parser


def _whole(low: int, high: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: a whole number {low} to {high} is needed")
        return int(text)

    return convert
