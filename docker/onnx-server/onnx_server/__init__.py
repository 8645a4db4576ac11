"""OpenAI-compatible server for ONNX language models with continuous batching on onnxruntime.

Three layers, imported downwards only: ``web`` (HTTP, OpenAI shapes) -> ``text`` (tokens and
strings) -> ``core`` (token ids in, token ids out).
"""

import os

__version__ = "0.1.0"

# onnxruntime sends usage data to its maker unless this is set before it is imported
# (official Linux wheels since 1.29, microsoft/onnxruntime#27379); an engine sends nothing.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# numpy asks for 2 MB pages, and the first token of a slot would commit most of its row.
os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
