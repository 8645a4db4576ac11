"""Metrics, alerts, dashboards and logs of a stack, on any platform."""
