"""Ranges of addresses as Kubernetes takes them."""

import ipaddress
import re

from catalog.errors import KitError

# Python takes a mask in place of the prefix's length too, and a zone within IPv6; an API server neither.
_FORM = re.compile(r"[0-9A-Fa-f.:]+/(0|[1-9][0-9]{0,2})", re.ASCII)


def check_range(text: str) -> None:
    """Refuse what is not the CIDR of a network, its prefix's length in digits. Raises KitError."""
    try:
        ipaddress.ip_network(text)
        fits = _FORM.fullmatch(text) is not None
    except ValueError:
        fits = False
    if not fits:
        raise KitError(
            f"range {text!r}",
            "it is the CIDR of a network",
            "Write it as in 203.0.113.0/24, or 203.0.113.7/32 for one address.",
        )
