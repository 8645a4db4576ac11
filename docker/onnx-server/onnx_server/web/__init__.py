"""The OpenAI-compatible HTTP layer."""
