"""How good a conversion's result is, measured against its source; written beside the result."""

from __future__ import annotations

import math
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

QUALITY = "quality.json"

PERPLEXITY_RATIO_LIMIT = {"int4": 1.5, "q4_k_m": 1.5, "int8": 1.1, "q8_0": 1.1, "fp16": 1.02}
"""Largest perplexity of a result, in units of the source's, by quantization. Measured with
SmolLM2-135M: 0.99 to 1.00 for 8 bits, 1.07 for q4_k_m, 1.27 for int4; small models lose the most.
Beyond these limits a conversion is taken for broken, not coarse."""

SAME_TOKENS_LIMIT = 0.98
"""Least share of the text that a result's tokenizer cuts as the source's does."""


class Comparison(BaseModel):
    """Result against source on the same tokens of one text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: int
    """Predicted tokens; perplexities are over these."""
    reference: str
    """What the source was computed by."""
    reference_perplexity: float
    perplexity: float
    ratio: float
    ratio_limit: float
    same_next_token: float
    """Share of tokens for which result and source find the same next token most likely."""
    same_tokens: float
    """Share of the text that both tokenizers cut alike; 1 where they are the same file."""
    answers: int
    answers_equal: int
    """Short greedy continuations, and how many are the source's word for word."""

    def problem(self) -> str | None:
        """Why the result must not be served, or None."""
        if not math.isfinite(self.perplexity):
            return "its perplexity is not a number"
        if self.same_tokens < SAME_TOKENS_LIMIT:
            return f"{100 * self.same_tokens:.0f} % of a text become the tokens of the source"
        if self.ratio > self.ratio_limit:
            return (
                f"its perplexity of {self.perplexity:.1f} is {self.ratio:.2f} times the source's, "
                f"the limit is {self.ratio_limit}"
            )
        return None


class Quality(BaseModel):
    """Size and comparison. `comparison` is null where there was none; `skipped` then says why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = 1
    bytes: int
    source_bytes: int
    text_sha256: str
    seconds: float
    comparison: Comparison | None
    skipped: str | None

    def write(self, folder: Path) -> None:
        (folder / QUALITY).write_text(self.model_dump_json(indent=2) + "\n", "utf-8")

    @classmethod
    def read(cls, folder: Path) -> Quality | None:
        """None where there is none: what is downloaded as it is served is not compared."""
        try:
            return cls.model_validate_json((folder / QUALITY).read_text("utf-8"))
        except (OSError, ValidationError, UnicodeDecodeError):
            return None

    def __str__(self) -> str:
        if self.comparison is None:
            return f"not compared with the source: {self.skipped}"
        found = self.comparison
        return (
            f"perplexity {found.perplexity:.2f}, source {found.reference_perplexity:.2f}, "
            f"ratio {found.ratio:.3f} (limit {found.ratio_limit}), "
            f"same next token {100 * found.same_next_token:.0f} %, "
            f"answers {found.answers_equal}/{found.answers} equal"
        )
