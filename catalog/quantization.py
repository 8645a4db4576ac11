"""The spellings of quantization that the catalog uses, each with its bits per weight.

`bytes` of a variant is the exact size where a public record gives it, else it is computed tensor by tensor:
matrices at the bits below, norms at 32 bits (16 in safetensors), and by these rules of the tools that write
them.

- GGUF (llama.cpp): Q4_K_M keeps the output matrix, and `attn_v` and `ffn_down` of half the layers, at 6.5625
  bits; a matrix whose rows are not a multiple of 256 falls back to 5.5 (for 4.5) or 8.5 (for 6.5625) bits.
  So the average is 4.85 to 5.2 for models from 1B on, and up to 7.4 for smaller ones, whose embedding weighs
  more. Checked: Qwen3-14B has 8,995,793,920 bytes of tensors by this rule and by llama.cpp's own report. The
  tokenizer inside the file adds 2 to 7 MB.
- ONNX (the ORT GenAI builder): int4 quantizes the embedding too and shares it with the output matrix where
  the model ties them (SmolLM2-135M: computed 86,291,712 bytes, built 86,287,616); int8 leaves the embedding
  at 32 bits; fp16 is how the file is stored, a CPU computes with 32 bits.
- FP8 and AWQ: embedding and output matrix stay at 16 bits.
"""

from collections.abc import Mapping
from typing import Literal

Quantization = Literal[
    "fp32", "fp16", "bf16", "fp8", "awq", "int8", "int4", "q8_0", "q4_k_m", "q4_1", "q4_0", "i2_s"
]  # fmt: skip

UNQUANTIZED: tuple[Quantization, ...] = ("bf16", "fp16", "fp32")

BITS_PER_WEIGHT: Mapping[Quantization, float] = {
    "fp32": 32,
    "fp16": 16,
    "bf16": 16,
    # One 16-bit scale for a block of 128 x 128, or for a row: below a thousandth of a bit.
    "fp8": 8,
    # Groups of 128: 4 bits, a 16-bit scale and a 4-bit zero point.
    "awq": 4 + 20 / 128,
    # ONNX Runtime's MatMulNBits in blocks of 32: a 32-bit scale and a zero point of 8 or 4 bits.
    "int8": 8 + 40 / 32,
    "int4": 4 + 36 / 32,
    # llama.cpp, tools/quantize/README.md and ggml-common.h. Q4_K_M is a mixture: its average in Llama 3.1 8B.
    "q8_0": 8.5,
    "q4_k_m": 4.8944,
    "q4_1": 5,
    "q4_0": 4.5,
    # bitnet.cpp's packing of ternary weights (-1, 0, 1): four in a byte.
    "i2_s": 2,
}
"""Bits for a weight of a quantized matrix, scales and zero points included."""
