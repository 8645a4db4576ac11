"""vLLM: its settings, what it refuses, and the recipe."""
