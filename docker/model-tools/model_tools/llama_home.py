"""Where the image with target `convert-gguf` has llama.cpp: library, binding, converter."""

from __future__ import annotations

from pathlib import Path

LLAMA_HOME = Path("/opt/llama.cpp")
