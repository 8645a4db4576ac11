"""The one login of the operator's pages."""

import hashlib

import bcrypt

from monitoring.watched import LOGIN

ROUNDS = 10
"""Cost of the hash; what checks it remembers passwords that were right."""


def web_config(password: str) -> str:
    """Prometheus' and Alertmanager's web configuration: basic authentication for every path.

    The same password gives the same hash, so that an update without a change changes nothing. That takes
    nothing from it: it is 32 random bytes.
    """
    salt = hashlib.sha256(f"web config of {password}".encode()).hexdigest()[:21]
    hashed = bcrypt.hashpw(password.encode(), f"$2b${ROUNDS:02d}${salt}.".encode()).decode()
    return f"basic_auth_users:\n  {LOGIN}: {hashed}\n"
