"""The lines that let counters of usage begin at 0, rendered for the gateway to write into its log."""

import json
from collections.abc import Mapping, Sequence

from components.gateway.refusals import OWN_ERRORS, REFUSALS
from components.gateway.types import Route
from monitoring.usage import BIRTH_EVENT, NO_KEY, NO_MODEL

USAGE_START = "usage-start.jsonl"
"""Config file: one line for each combination that requests can have. The gateway writes them at its start, at
a reload and every ten minutes, for a counter that was restarted. They are no requests: `event` tells."""


def usage_start(routes: Sequence[Route], granted: Mapping[str, Sequence[str]]) -> str:
    """A JSON line for each key, model it may use, and route that can serve it: also a fallback's."""
    fallback = {route.model: route.fallback for route in routes}
    rows = [(NO_KEY, NO_MODEL, NO_MODEL), *((key, NO_MODEL, NO_MODEL) for key in sorted(granted))]
    for key in sorted(granted):
        for model in granted[key]:
            served_by = (model, fallback[model])
            rows += [(key, model, each) for each in served_by if each]
            # Refused before a route was chosen.
            rows.append((key, model, NO_MODEL))
    refused = sorted({refusal.code for refusal in (*REFUSALS.values(), *OWN_ERRORS.values())})
    return "".join(
        [
            *(_line(*row) for row in rows),
            *(_line(NO_KEY, NO_MODEL, NO_MODEL, error=code) for code in refused),
        ]
    )


def _line(key: str, model: str, served_by: str, **more: str) -> str:
    fields = {"event": BIRTH_EVENT, "key_id": key, "model": model, "served_by": served_by, **more}
    return json.dumps(fields, separators=(",", ":")) + "\n"
