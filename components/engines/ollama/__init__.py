"""Ollama: its settings, the Modelfile, and the recipe."""
