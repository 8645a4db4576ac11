"""Settings that only Ollama has."""

from catalog.models import Row


class OllamaOptions(Row):
    """`ollama:` of a model in the stack's config."""
