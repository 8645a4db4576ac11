"""llama.cpp in this process: its quantizer, and models that it runs.

The image has `libllama` and its Python binding from one source archive, so that the two fit.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_tools.conversion.job import UnusableModelError
from model_tools.llama_home import LLAMA_HOME

if TYPE_CHECKING:
    from model_tools.conversion.scorers import Logits

QUANTIZE_BUFFER_BYTES = 1 << 30
"""Rows that the quantizer holds at once; its own default is 8 GiB."""

MAX_TOKENS = 512
"""The longest text that a scorer is given."""

_FILE_TYPES = {
    "fp16": "LLAMA_FTYPE_MOSTLY_F16",
    "q8_0": "LLAMA_FTYPE_MOSTLY_Q8_0",
    "q4_k_m": "LLAMA_FTYPE_MOSTLY_Q4_K_M",
}


def binding() -> Any:
    """The functions of llama.h."""
    if str(LLAMA_HOME) not in sys.path:
        # First, because the converter needs the `gguf` of its own version, not the index's.
        sys.path.insert(0, str(LLAMA_HOME))
    from llama_cpp import llama_cpp  # in the image only

    return llama_cpp


def quantize(source: Path, target: Path, quantization: str) -> None:
    """Write `target` in the wanted type. A source that is quantized already is dequantized first."""
    api = binding()
    parameters = api.llama_model_quantize_default_params()
    parameters.ftype = getattr(api, _FILE_TYPES[quantization])
    parameters.nthread = _threads()
    parameters.allow_requantize = True
    parameters.max_buf_size = QUANTIZE_BUFFER_BYTES
    if api.llama_model_quantize(str(source).encode(), str(target).encode(), api.byref(parameters)) != 0:
        raise UnusableModelError("llama.cpp could not quantize the model")


class LlamaModel:
    """A GGUF that llama.cpp has loaded."""

    def __init__(self, api: Any, model: Any, context: Any) -> None:
        self._api, self._context = api, context
        self._vocabulary = api.llama_model_get_vocab(model)
        self._size: int = api.llama_vocab_n_tokens(self._vocabulary)

    def tokens(self, text: str, special: bool) -> list[int]:
        """The text in the file's own vocabulary; `special` adds what begins a text."""
        api, content = self._api, text.encode()
        room = (api.llama_token * (len(content) + 8))()
        count = api.llama_tokenize(self._vocabulary, content, len(content), room, len(room), special, False)
        if count < 0:
            raise UnusableModelError("llama.cpp makes more tokens of a text than it has bytes")
        return list(room[:count])

    def __call__(self, tokens: Sequence[int]) -> Logits:
        """Logits after each token."""
        import numpy as np

        api = self._api
        api.llama_memory_clear(api.llama_get_memory(self._context), True)
        batch = api.llama_batch_init(len(tokens), 0, 1)
        try:
            batch.n_tokens = len(tokens)
            for place, token in enumerate(tokens):
                batch.token[place], batch.pos[place] = token, place
                batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
                batch.logits[place] = 1
            if api.llama_decode(self._context, batch) != 0:
                raise UnusableModelError("llama.cpp could not compute the model")
            flat = np.ctypeslib.as_array(api.llama_get_logits(self._context), (len(tokens), self._size))
            return flat.copy()
        finally:
            api.llama_batch_free(batch)


@contextmanager
def llama_model(file: Path) -> Iterator[LlamaModel]:
    """Load a GGUF for texts of up to `MAX_TOKENS`; the file is mapped, not copied."""
    api = binding()
    api.llama_backend_init()
    model = api.llama_model_load_from_file(str(file).encode(), api.llama_model_default_params())
    if not model:
        raise UnusableModelError(f"llama.cpp cannot load {file.name}")
    try:
        parameters = api.llama_context_default_params()
        parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = MAX_TOKENS
        parameters.n_threads = parameters.n_threads_batch = _threads()
        context = api.llama_init_from_model(model, parameters)
        if not context:
            raise UnusableModelError(f"llama.cpp cannot run {file.name}")
        try:
            yield LlamaModel(api, model, context)
        finally:
            api.llama_free(context)
    finally:
        api.llama_model_free(model)


def _threads() -> int:
    return len(os.sched_getaffinity(0))
