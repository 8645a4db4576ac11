"""What a stack's settings and plan say to its gateway, wherever it runs."""

from collections.abc import Sequence

import pulumi

from components.gateway.component import GatewayArgs
from components.gateway.types import Route
from components.platform import Platform
from components.secrets import ApiKeys
from stacks.config import external_credentials, key_secrets
from stacks.plan import LIMITS, Plan
from stacks.settings import StackSettings


def gateway_args(
    made: Plan,
    settings: StackSettings,
    platform: Platform,
    image: pulumi.Input[str],
    routes: Sequence[Route],
    *,
    collector: str | None = None,
    certificate: pulumi.Input[str] | None = None,
    keys: str = "keys",
    opts: pulumi.ResourceOptions | None = None,
) -> GatewayArgs:
    """Arguments of the gateway; `routes` are the plan's, with aliases as the platform resolves them.

    `collector`: where the platform does not hand on logs, the host:port that takes the gateway's.
    `certificate`: a secret of the platform's, for TLS. `keys` is the name of the component that makes hashes
    of keys, `opts` are its own.
    """
    args: GatewayArgs = {
        "platform": platform,
        "image": image,
        "routes": routes,
        "keys": ApiKeys(keys, {"grants": made.grants, "secrets": key_secrets()}, opts),
        "limits": LIMITS,
        "address": settings.gateway_address,
        "port": settings.gateway_port,
        "credentials": external_credentials(),
    }
    if made.authorities is not None:
        args["authorities"] = made.authorities
    if collector is not None:
        args["collector"] = collector
    if certificate is not None:
        args["certificate"] = certificate
    return args
