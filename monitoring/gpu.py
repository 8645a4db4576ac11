"""What the GPU exporter is to export."""

from pathlib import Path


def counters() -> str:
    """The kit's list of DCGM fields, as the exporter reads it."""
    return Path(__file__).with_name("dcgm_counters.csv").read_text()
