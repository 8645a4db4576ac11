"""Which route answers in the place of another one: checked, and as rules of the gateway's frontend."""

from collections.abc import Sequence

from catalog.errors import KitError
from components.gateway.types import Route


def check_fallbacks(routes: Sequence[Route]) -> None:
    """Refuses a fallback that is not served, or has one itself: a prompt takes one turn at most."""
    known = {route.model: route for route in routes}
    for route in routes:
        if route.fallback is None:
            continue
        where = f"fallback {route.fallback!r} of model {route.model!r}"
        if route.fallback == route.model:
            raise KitError(where, "a model cannot stand in for itself", "Name another model, or remove it.")
        if route.fallback not in known:
            limit = f"no route serves it; served are {', '.join(sorted(known))}"
            raise KitError(where, limit, "Name one of these, or remove it.")
        if known[route.fallback].fallback is not None:
            limit = f"that one falls back to {known[route.fallback].fallback!r} itself; one step is allowed"
            raise KitError(where, limit, "Remove one of the two.")


def fallback_rules(routes: Sequence[Route]) -> str:
    """Rules that send a request elsewhere while its own route has no server or a full queue."""
    chosen = sorted((route for route in routes if route.fallback), key=lambda route: route.model)
    return "".join(_rules(route) for route in chosen)


def _rules(route: Route) -> str:
    model = route.model
    asked = f"{{ var(txn.backend) -m str {model} }}"
    other = f"{{ nbsrv({route.fallback}) gt 0 }}"
    full = f"{{ be_conn({model}),sub(txn.slots) ge {route.max_queue} }}"
    # Compared as in route.cfg; there the request itself is counted already, here it is not.
    return f"""
    # {model} falls back to {route.fallback}
    http-request lua.settle {model} if {asked} {{ nbsrv({model}) eq 0 }}
    http-request set-var(txn.slots) nbsrv({model}),mul({route.max_concurrency}) if {asked}
    http-request set-var(txn.full) bool(true) if {asked} {{ nbsrv({model}) eq 0 }}
    http-request set-var(txn.full) bool(true) if {asked} {full}
    http-request set-var(txn.backend) str({route.fallback}) if {asked} {{ var(txn.full) -m bool }} {other}
"""
