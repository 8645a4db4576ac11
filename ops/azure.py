"""`make up` and what goes with it for the cluster layer on Azure: the Pulumi CLI alone, asked first."""

import ipaddress
from collections.abc import Iterator
from typing import Any

from catalog.errors import HostError, KitError
from ops import decide, runner
from ops.pulumi_cli import install_cli
from ops.say import confirm, step

NOBODY = "00000000-0000-0000-0000-000000000000"
DOCUMENTATION = tuple(map(ipaddress.IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
"""Addresses that nobody has: RFC 5737."""


def up(stack: str, asked: str | None, *, sure: bool) -> None:
    """Show what it would make and cost, ask, and make it.

    Without a refresh: it would put all pools, as Azure lists them, where the program has the system pool
    alone (pulumi-azure-native#1298), and each update would change the cluster back.
    """
    if asked == runner.Rehearsal.name:
        raise KitError(
            f"runner {asked!r}", "has no backend for Azure", f"`make render STACK={stack}` shows everything."
        )
    check_own(stack)
    used = cli(stack, choose=True)
    if not sure:
        used.show("preview")
        confirm(stack, f"Make {stack}, which costs money?")
    step(f"{used.name} up")
    used.show("up")
    found = used.outputs()
    registry = found["registry"]
    print(f"  cluster   {found['clusterName']}")
    print(f"  registry  {registry} (az acr login --name {registry.partition('.')[0]})")
    print("  next      stacks/Pulumi.kubernetes.yaml, as docs/guides/aks.md has it, then")
    print(f"            make images STACK=kubernetes PREFIX={registry}/slm-kit PUSH=1")


def preview(stack: str) -> None:
    """Print what `up` would change."""
    check_own(stack)
    cli(stack, choose=False).show("preview")


def check_own(stack: str) -> None:
    """Refuse what an example has in the place of somebody's own: Azure takes some of it. Raises KitError."""
    found = [
        f"{key}: {value}"
        for key, setting in decide.config(stack).items()
        for value in _texts(setting)
        if value == NOBODY or _is_documentation(value)
    ]
    if found:
        raise KitError(
            "; ".join(found),
            "are an example's, and nobody's",
            f"Put your own into stacks/Pulumi.{stack}.yaml: docs/guides/aks.md.",
        )


def _texts(setting: Any) -> Iterator[str]:
    if isinstance(setting, str):
        yield setting
    elif isinstance(setting, dict | list):
        for each in setting.values() if isinstance(setting, dict) else setting:
            yield from _texts(each)


def _is_documentation(text: str) -> bool:
    try:
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return False
    return any(network.subnet_of(each) for each in DOCUMENTATION)


def before_down(stack: str, *, sure: bool) -> None:
    """Ask: a cluster goes with all that runs on it."""
    if not sure:
        confirm(stack, f"Remove the cluster of {stack} and everything on it?")


def cli(stack: str, *, choose: bool) -> runner.Runner:
    """The Pulumi CLI, installed where it is missing. Raises HostError where it cannot be had."""
    if not (runner.executable() or install_cli()):
        raise HostError(
            f"stack {stack} with target aks",
            "needs the Pulumi CLI, which is not on PATH, and its release site does not answer",
            "Install it: https://www.pulumi.com/docs/iac/download-install/; until then "
            f"`make render STACK={stack}` shows everything.",
        )
    return decide.choose_runner(stack, None) if choose else runner.runner_for("pulumi", stack)
