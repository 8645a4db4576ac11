"""How a model is served: one ComponentResource a file."""
