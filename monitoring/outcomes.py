"""How a request ended, as the gateway's log tells it: the label `outcome`."""

from enum import StrEnum


class Outcome(StrEnum):
    """One for each request that reaches the gateway."""

    OK = "ok"
    """Answered (status below 400), to the end as far as the gateway knows."""
    REFUSED = "refused"
    """The caller's mistake: 4xx other than 429. Also what an endpoint outside refused (`endpoint_rejected`):
    its status does not tell whose mistake it was, the caller's or the config's."""
    LIMITED = "limited"
    """More requests a minute than the key may make: 429 of the gateway itself."""
    OVERLOADED = "overloaded"
    """No slot or no replica in time: 503 with an error code of the gateway's queue or wake, or 429 of an
    endpoint outside (`endpoint_limited`): its limit is the stack's, whatever the key may."""
    FAILED = "failed"
    """Every other 5xx, and an answer that broke off."""
    CANCELLED = "cancelled"
    """The caller left before the end (499)."""


ERRORS = (Outcome.OVERLOADED, Outcome.FAILED)
"""What counts against the promised availability."""
COUNTED = (Outcome.OK, *ERRORS)
"""What availability is a share of."""
