"""Conversion: prepares, runs the converter as processes of its own, reports their steps.

Processes of their own because they need gigabytes that have to be gone afterwards, print what
nobody asked for, and may be killed by the kernel without taking the store's lock holder along.
One builds, the next compares the result with its source: their peaks do not add up.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from model_tools.conversion.job import UNUSABLE_CODE, Job, Task
from model_tools.errors import FetchError, HostError
from model_tools.llama_home import LLAMA_HOME
from model_tools.progress import bar, megabytes, say
from model_tools.spec import Convert

SCRATCH_FACTOR = {
    # A 4-bit GGUF becomes eight times its size as 32-bit weights, plus once as int4.
    ("gguf", "onnx", "int4"): 9,
    ("gguf", "onnx", "int8"): 10,
    # 32-bit weights twice, as the source of the builder and as its graph, and the result.
    ("gguf", "onnx", "fp16"): 20,
    # int4 with its scales and embeddings is never larger than the 16-bit source.
    ("hf", "onnx", "int4"): 1,
    ("hf", "onnx", "int8"): 1,
    ("hf", "onnx", "fp16"): 3,
    # An unquantized GGUF as large as the source, and the result.
    ("hf", "gguf", "q4_k_m"): 2,
    ("hf", "gguf", "q8_0"): 2,
    ("hf", "gguf", "fp16"): 1,
    ("gguf", "gguf", "q4_k_m"): 1,
    ("gguf", "gguf", "q8_0"): 2,
    ("gguf", "gguf", "fp16"): 4,
}
"""Times the source's size, for 4-bit GGUF and 16-bit safetensors."""
LOG_TAIL_LINES = 12


def scratch_bytes(conversion: Convert | None, source_bytes: int) -> int:
    """What a conversion needs on the store's volume beside its source; an upper estimate."""
    if conversion is None:
        return 0
    return SCRATCH_FACTOR[conversion.source, conversion.to, conversion.quantization] * source_bytes


def check_converter(conversion: Convert) -> None:
    """Raise `HostError` where this image does not hold the converter."""
    missing = [name for name in ("torch", "onnxruntime_genai") if importlib.util.find_spec(name) is None]
    if conversion.to == "gguf" and not LLAMA_HOME.is_dir():
        missing.append("llama.cpp")
    if missing:
        target = "convert-gguf" if conversion.to == "gguf" else "convert"
        raise HostError(
            f"conversion to {conversion.to}",
            f"needs {' and '.join(missing)}, which this image lacks",
            f"run the image that is built with target {target}",
        )


def convert(conversion: Convert, source: Path, work: Path) -> Path:
    """Convert what lies in `source` and return a folder with a checked result."""
    scratch, ready = work / "scratch", work / "ready"
    for folder in (scratch, ready):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    tasks: tuple[Task, ...] = ("build", "check")
    for task in tasks:
        job = Job(
            task=task,
            kind=conversion.source,
            to=conversion.to,
            quantization=conversion.quantization,
            accuracy_level=conversion.accuracy_level,
            source=source,
            scratch=scratch,
            ready=ready,
        )
        log = work / f"{task}.log"
        code = _run(job, log)
        if code:
            raise _failure(code, log)
    shutil.rmtree(scratch)
    # Linux counts it in KiB (getrusage(2)); of the larger of the two processes.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    say(f"convert {bar(1.0)} 100% done, peak memory {megabytes(peak)}")
    return ready


def _run(job: Job, log: Path) -> int:
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "model_tools.conversion", job.dump(), str(writing)]
    with log.open("wb") as output, os.fdopen(reading, encoding="utf-8") as steps:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(job.scratch),
                cwd=job.scratch,
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
    if code == -signal.SIGILL:
        return HostError(
            "conversion",
            "met an instruction that this processor lacks (llama.cpp is built for AVX2)",
            "convert on a newer machine and copy the store",
        )
    lines = log.read_text("utf-8", errors="replace").replace("\r", "\n").splitlines() or ["no output"]
    if code == UNUSABLE_CODE:
        return FetchError("conversion", lines[-1][:300], "choose another quantization or another source")
    for line in lines[-LOG_TAIL_LINES:]:
        say(f"convert log: {line[:300]}")
    return FetchError(
        "conversion",
        f"ended with code {code}: {lines[-1][:300]}",
        "see the lines above; an architecture that the converter does not know cannot be converted",
    )
