"""Model store: fetches, verifies, converts and lists what engines serve."""

__version__ = "0.2.0"
"""Recorded in every manifest, so that a bad conversion can be traced to the tool that made it."""
