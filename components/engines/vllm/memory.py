"""Size of vLLM's KV cache, as its own allocator counts it (vllm/v1/core/kv_cache_utils.py)."""

from catalog.models import Attention

BLOCK_TOKENS = 128
"""Tokens in a block on processors (vllm/platforms/cpu.py)."""

BATCHED_TOKENS = 2048
"""Default of --max-num-batched-tokens on processors."""


def kv_cache_bytes(
    attention: Attention,
    context_length: int,
    sequences: int,
    *,
    element_bytes: int = 2,
    batched_tokens: int = BATCHED_TOKENS,
) -> int:
    """Bytes with room for `sequences` full contexts.

    A block holds the same number of layers whatever it is for, so layers are put into groups: of the size
    of the smaller kind, or of the larger where both are near. A sliding layer keeps its window, and a block
    more since that begins anywhere in one, and the step under way. One block is never given out.
    """
    full, sliding = attention.layers - attention.sliding_layers, attention.sliding_layers
    group = min(full, sliding) or attention.layers
    if max(full, sliding) < 1.5 * group:
        group = max(full, sliding)
    blocks = -(-full // group) * _blocks(context_length) * sequences
    if attention.sliding_window is not None:
        window = attention.sliding_window - 1
        alone = _blocks(min(context_length, window + batched_tokens)) + 1
        together = (_blocks(min(context_length, window)) + 1) * sequences + _blocks(batched_tokens)
        blocks += -(-sliding // group) * min(alone * sequences, together)
    block_bytes = BLOCK_TOKENS * group * 2 * attention.kv_heads * attention.head_size * element_bytes
    return (blocks + 1) * block_bytes


def _blocks(tokens: int) -> int:
    return -(-tokens // BLOCK_TOKENS)
