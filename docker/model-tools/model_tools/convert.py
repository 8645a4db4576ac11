"""Conversion to ONNX: prepares, runs the converter as a process of its own, reports its steps.

A process of its own because it needs gigabytes that have to be gone afterwards, prints what
nobody asked for, and may be killed by the kernel without taking the store's lock holder along.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from model_tools.errors import FetchError, HostError
from model_tools.progress import say
from model_tools.spec import Convert

# A 4-bit GGUF becomes eight times its size as 32-bit weights, plus once as int4.
GGUF_SCRATCH_FACTOR = 9
# int4 with its scales and embeddings is never larger than the 16-bit source.
HF_SCRATCH_FACTOR = 1
LOG_TAIL_LINES = 12


def scratch_bytes(conversion: Convert | None, source_bytes: int) -> int:
    """What a conversion needs on the store's volume beside its source; an upper estimate."""
    if conversion is None:
        return 0
    factor = GGUF_SCRATCH_FACTOR if conversion.source == "gguf" else HF_SCRATCH_FACTOR
    return factor * source_bytes


def check_converter() -> None:
    """Raise `HostError` where this image holds no converter (it is the `fetch` image)."""
    missing = [name for name in ("torch", "onnxruntime_genai") if importlib.util.find_spec(name) is None]
    if missing:
        raise HostError(
            "conversion",
            f"needs {' and '.join(missing)}, which this image lacks",
            "run the image that is built with target convert",
        )


def convert(conversion: Convert, source: Path, work: Path) -> Path:
    """Convert what lies in `source` and return a folder with a checked result."""
    scratch, ready = work / "scratch", work / "ready"
    for folder in (scratch, ready):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    job = {
        "kind": conversion.source,
        "source": str(source),
        "scratch": str(scratch),
        "ready": str(ready),
        "quantization": conversion.quantization,
        "accuracy_level": conversion.accuracy_level,
    }
    log = work / "convert.log"
    code = _run(job, log, scratch)
    if code:
        raise _failure(code, log)
    shutil.rmtree(scratch)
    return ready


def _run(job: dict[str, object], log: Path, scratch: Path) -> int:
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "model_tools.converter", json.dumps(job), str(writing)]
    with log.open("wb") as output, os.fdopen(reading, encoding="utf-8") as steps:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(scratch),
                cwd=scratch,
                pass_fds=(writing,),
            )
        finally:
            os.close(writing)
        try:
            for line in steps:
                say(f"convert {line.rstrip()}")
            return process.wait()
        finally:
            process.kill()
            process.wait()


def _environment(scratch: Path) -> dict[str, str]:
    """Offline, and with every cache on the store's volume; nothing else is passed on."""
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", "LANG") if key in os.environ}
    return kept | {
        "HOME": str(scratch),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(scratch),
        "HF_HOME": str(scratch / "huggingface"),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _failure(code: int, log: Path) -> FetchError | HostError:
    if code == -signal.SIGKILL:
        return HostError(
            "conversion",
            "was killed, most likely for memory",
            "give the job more memory: 8 bytes a parameter and 1 GB",
        )
    lines = log.read_text("utf-8", errors="replace").replace("\r", "\n").splitlines()
    for line in lines[-LOG_TAIL_LINES:]:
        say(f"convert log: {line[:300]}")
    return FetchError(
        "conversion",
        f"ended with code {code}: {(lines or ['no output'])[-1][:300]}",
        "see the lines above; an architecture that the builder does not know cannot be converted",
    )
