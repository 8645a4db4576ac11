"""The targets that the commands know, and what is said where a command is not for one."""

from collections.abc import Mapping
from typing import NoReturn

from catalog.errors import KitError

LOCAL, CLUSTER, AZURE, EDGE = "local-docker", "kubernetes", "aks", "edge"

_NO_MODEL = "It makes a cluster and serves no model: name the stack with target kubernetes, STACK=…"
_LOAD_ON_CLUSTER = (
    "Bring the gateway here with the `kubectl … port-forward` that `make up STACK={stack}` printed, and send "
    "requests to http://127.0.0.1:8080/v1."
)
_LOGS_OF_SITES = (
    "On a Docker site: `docker --host ssh://… logs NAME`; on a cluster: `kubectl --kubeconfig … --namespace "
    "… logs --selector slm-kit.stack --all-containers`."
)
_INSTEAD: Mapping[tuple[str, str], str] = {
    ("load", CLUSTER): _LOAD_ON_CLUSTER,
    ("load", EDGE): "Send requests to the endpoint of a site; `make up STACK={stack}` printed each.",
    ("load", AZURE): _NO_MODEL,
    ("logs", EDGE): _LOGS_OF_SITES,
    ("logs", AZURE): _NO_MODEL,
    ("key", AZURE): _NO_MODEL,
    ("password", AZURE): _NO_MODEL,
    ("config", AZURE): "Edit stacks/Pulumi.{stack}.yaml, or `pulumi config set --stack {stack}`.",
}
"""What to do instead, by command and target."""


def refuse(stack: str, target: str, verb: str) -> NoReturn:
    """Raise KitError for a command that is not for the stack's target."""
    raise KitError(
        f"stack {stack} with target {target}",
        f"`make {verb}` does not work on it",
        _INSTEAD[verb, target].format(stack=stack),
    )
