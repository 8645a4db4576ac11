"""What a converter's process is told to do, and what it calls when the result cannot be served."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Tell = Callable[[float, str], None]
"""Reports progress: the fraction that is done, and what is begun."""

Task = Literal["build", "check"]

UNUSABLE_CODE = 70
"""Exit code of a process whose result must not be served (EX_SOFTWARE of sysexits.h)."""


class UnusableModelError(Exception):
    """The conversion's result must not be served."""


@dataclass(frozen=True)
class Job:
    """One task of a conversion. `scratch` is the converter's own, `ready` is what is published."""

    task: Task
    kind: str
    to: str
    quantization: str
    accuracy_level: int
    source: Path
    scratch: Path
    ready: Path

    def dump(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def load(cls, text: str) -> Job:
        fields = json.loads(text)
        for name in ("source", "scratch", "ready"):
            fields[name] = Path(fields[name])
        return cls(**fields)

    @property
    def source_gguf(self) -> Path:
        """The one GGUF of a conversion from gguf."""
        (file,) = self.source.glob("*.gguf")
        return file

    @property
    def source_hf(self) -> Path:
        """Weights, configuration and tokenizer as transformers reads them."""
        return self.scratch / "hf" if self.kind == "gguf" else self.source
