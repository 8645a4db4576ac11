"""The state file: format, secrets, lock, and what survives a kill."""
