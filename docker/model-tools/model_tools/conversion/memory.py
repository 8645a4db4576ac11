"""How much memory this job may take, and how much the source as 32-bit floats needs."""

from __future__ import annotations

import json
import math
from pathlib import Path

from model_tools.conversion.job import Job

REFERENCE_OVERHEAD_BYTES = 900_000_000
"""torch, transformers, one window's logits and activations beside the weights; measured 0.4 GB
for SmolLM2-135M, more for larger vocabularies."""

LLAMA_OVERHEAD_BYTES = 400_000_000
"""The same for llama.cpp, which maps its file; measured 0.33 GB for one of 0.1 GB."""

_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def allowed_bytes() -> int:
    """The smaller of the container's limit (cgroup 2 or 1) and what the machine has available."""
    found = [_available()]
    for name in _LIMITS:
        path = Path(name)
        if path.is_file() and (text := path.read_text("ascii").strip()).isdigit():
            found.append(int(text))
    return min(found)


def _available() -> int:
    for line in Path("/proc/meminfo").read_text("ascii").splitlines():
        if line.startswith("MemAvailable:"):
            # In KiB (proc_meminfo(5)).
            return int(line.split()[1]) * 1024
    raise OSError("/proc/meminfo has no MemAvailable")


def reference_bytes(job: Job) -> int:
    """What computing the source takes. llama.cpp maps its file, torch holds 32-bit floats."""
    if job.kind == "gguf" and job.to == "gguf":
        return job.source_gguf.stat().st_size + LLAMA_OVERHEAD_BYTES
    return 4 * parameters(job) + REFERENCE_OVERHEAD_BYTES


def parameters(job: Job) -> int:
    """Numbers in the source. Of a GGUF that stays one about: as if it had 4 bits each."""
    if job.kind == "gguf" and job.to == "gguf":
        return 2 * job.source_gguf.stat().st_size
    return sum(_in_safetensors(file) for file in job.source_hf.glob("*.safetensors"))


def _in_safetensors(file: Path) -> int:
    """From its header: 8 bytes of length, then JSON with the shape of each tensor."""
    with file.open("rb") as content:
        header = json.loads(content.read(int.from_bytes(content.read(8), "little")))
    return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
