"""The gateway: its component, and the configuration of HAProxy as pure functions of data."""
