"""Targets that run Workloads."""
