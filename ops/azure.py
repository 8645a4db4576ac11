"""`make up` and what goes with it for the cluster layer on Azure: the Pulumi CLI alone, asked first."""

from catalog.errors import HostError, KitError
from ops import decide, runner
from ops.pulumi_cli import install_cli
from ops.say import confirm, step


def up(stack: str, asked: str | None, *, sure: bool) -> None:
    """Show what it would make and cost, ask, and make it.

    Without a refresh: it would put all pools, as Azure lists them, where the program has the system pool
    alone, and the next change of the cluster would send that mixture (pulumi-azure-native#1298).
    """
    if asked == runner.Rehearsal.name:
        raise KitError(
            f"runner {asked!r}", "has no backend for Azure", f"`make render STACK={stack}` shows everything."
        )
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
    cli(stack, choose=False).show("preview")


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
