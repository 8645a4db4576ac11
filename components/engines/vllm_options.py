"""Settings that only vLLM has."""

from catalog.models import Row


class VllmOptions(Row):
    """`vllm:` of a model in the stack's config."""
