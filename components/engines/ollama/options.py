"""Settings that only Ollama has. Names and meanings are those of Ollama 0.17.4: its `envconfig/config.go` and
`api/types.go` (Options)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from catalog.models import Row

FOREVER = "forever"


class OllamaOptions(Row):
    """`ollama:` of a model in the stack's config."""

    keep_alive: Annotated[str, Field(pattern=r"^(forever|[1-9][0-9]{0,4}[smh])$")] = FOREVER
    """How long the model stays in memory after its last request: `forever`, or a number with s, m or h. After
    that time the next request waits until it is loaded again. (Ollama's own default is 5m.)"""
    load_timeout_seconds: Annotated[int, Field(ge=10, le=7200)] = 300
    """Longest standstill while the model is loaded; the start-up budget is this and a minute."""
    flash_attention: bool = True
    """Attention that needs no memory for its scores. Ollama leaves it out for models that it does not fit."""
    kv_cache_type: Literal["f16", "q8_0", "q4_0"] = "f16"
    """Type of the KV cache: q8_0 takes 53 % of f16's memory, q4_0 28 %. Needs flashAttention."""
    num_batch: Annotated[int, Field(ge=32, le=4096)] = 512
    """Prompt tokens computed in one step. More is faster for long prompts and takes memory for it. An
    embedding model takes its whole context in one step, whatever is set here."""
    num_thread: Annotated[int, Field(ge=1, le=256)] | None = None
    """Threads that compute. Default: the whole number of `cpus`. Ollama itself would take every core of the
    host, of which a container with a CPU limit gets a share only, and then each step waits for all."""
    num_gpu: Annotated[int, Field(ge=0, le=999)] | None = None
    """Layers that are kept on the GPUs. Default: as many as fit, found by Ollama."""
    use_mmap: bool | None = None
    """Map the weights instead of reading them. Default: Ollama's, which is no without a GPU."""
    system: str | None = None
    """System prompt for requests that bring none. Default: the catalog variant's."""
    template: str | None = None
    """Chat template in Go's template language. Default: the catalog variant's, else the one that Ollama has
    for the template in the weights."""
    parameters: Mapping[str, bool | int | float | str | tuple[str, ...]] = {}
    """Values of sampling for requests that bring none, such as `temperature` or `stop`; they go before those
    of the catalog's variant."""

    @model_validator(mode="after")
    def _quantized_cache_has_flash_attention(self) -> "OllamaOptions":
        if self.kv_cache_type != "f16" and not self.flash_attention:
            raise ValueError(
                f"kvCacheType {self.kv_cache_type} needs flashAttention: true; Ollama would silently take f16"
            )
        return self
