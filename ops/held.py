"""What the state of a stack holds on this machine, whoever runs it."""

import json
from collections.abc import Mapping
from typing import Any

from ops.paths import rehearsal_state
from ops.runner import PulumiCli, Runner


def holds_something(used: Runner) -> bool:
    """Whether its state has resources, or operations that did not end."""
    if isinstance(used, PulumiCli):
        return _has_resources(json.loads(used.read("export")).get("deployment"))
    path = rehearsal_state(used.stack)
    return path.is_file() and _has_resources(json.loads(path.read_text())["checkpoint"]["latest"])


def where(used: Runner) -> str:
    """Where the runner keeps the state, in words."""
    if isinstance(used, PulumiCli):
        return f"the Pulumi CLI's backend {used.environment()['PULUMI_BACKEND_URL']}"
    return str(rehearsal_state(used.stack))


def _has_resources(deployment: Mapping[str, Any] | None) -> bool:
    found = deployment or {}
    return bool(found.get("resources") or found.get("pending_operations"))
