"""Main memory that a model store's job needs: it downloads, and where the variant says so it converts."""

from catalog.schema import Model, Variant
from catalog.sizing.memory import MIB

DOWNLOAD_MIB = 512
"""Enough for any size: files pass in pieces."""

TO_ONNX_BYTES = 12
TO_GGUF_BYTES = 4
"""For each parameter, on top of 1 GiB: ONNX holds the float32 weights three times over, GGUF and its quality
check once. Measured with SmolLM2-135M: int4 passed at its limit; other slopes follow from the steps."""


def job_mib(model: Model, variant: Variant) -> int:
    """Memory limit of the job, in MiB."""
    convert = variant.convert
    if convert is None:
        return DOWNLOAD_MIB
    if convert.from_ == "gguf" and convert.to == "gguf":
        return DOWNLOAD_MIB + variant.bytes * 2 // MIB
    each = TO_ONNX_BYTES if convert.to == "onnx" else TO_GGUF_BYTES
    return 1024 + each * model.parameters // MIB
