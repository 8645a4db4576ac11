"""The command line: one function a verb, and what a run of one stack needs."""
