"""Sizes known before anything is created: memory, fit, speed, cold start and cost of a model.

Pure arithmetic over the catalog; bytes, seconds and US dollars unless a name says otherwise.
"""

from catalog.sizing.demand import Demand
from catalog.sizing.memory import MIB, MemoryEstimate, memory

__all__ = ["MIB", "Demand", "MemoryEstimate", "memory"]
