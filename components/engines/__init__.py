"""Engine recipes: pure functions from a model and its settings to a Workload."""
