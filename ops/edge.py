"""The commands for a stack of edge sites. What a site is and can run, the program itself refuses."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from catalog.errors import KitError
from ops import decide, keys
from ops.decide import PREFIX
from ops.say import step
from stacks.edge_config import edge_keys, refuse_unknown
from stacks.edge_settings import EdgeSettings
from stacks.parsing import parse_edge

if TYPE_CHECKING:
    from stacks.edge_plan import SitePlan

GO_ON = "--continue-on-error"
"""At every site that answers; UpdateError where one does not, or something failed."""


def up(stack: str, runner: str | None) -> None:
    """Serve every site that answers. Raises UpdateError where one does not, or something failed.

    Without a refresh, which would fail at the first site that is away.
    """
    settings_of(stack)
    used = decide.choose_runner(stack, runner)
    keys.ensure(used)
    step(f"{used.name} up")
    used.show("up", GO_ON)
    for name, site in used.outputs()["sites"].items():
        print(f"  {name:<24} {site['endpoint']}  {', '.join(site['models'])}")


def preview(stack: str) -> None:
    """Print what `up` would change; asks every site."""
    settings_of(stack)
    decide.current_runner(stack).show("preview")


def plans(stack: str) -> "tuple[SitePlan, ...]":
    """All sites as they will be. Raises KitError for what cannot work."""
    # Here, as a machine whose stack has no sites need not have the packages of clusters.
    from stacks.edge_plan import plan_sites

    return plan_sites(settings_of(stack))


def plans_with_images(stack: str) -> "list[SitePlan]":
    """Plans of the sites that name images. Raises KitError where none does: they build their own."""
    found = [
        each
        for each in plans(stack)
        if each.site.kubernetes is not None or (each.site.docker is not None and each.site.docker.images)
    ]
    if not found:
        raise KitError(
            f"stack {stack}",
            "each of its sites builds its images itself",
            "Give `docker.images` to a site that is to pull them, or run `make up`.",
        )
    return found


def settings_of(stack: str) -> EdgeSettings:
    """The settings as the stack's file has them; keys need no secret yet. Raises KitError."""
    return settings_from(decide.config(stack))


def settings_from(written: Mapping[str, Any]) -> EdgeSettings:
    """`settings_of` by the stack's config."""
    refuse_unknown(written)
    plain: dict[str, Any] = {
        key.removeprefix(PREFIX): value
        for key, value in written.items()
        if key.startswith(PREFIX) and key.removeprefix(PREFIX) in edge_keys()
    }
    if not isinstance(plain.get("sites", []), list):
        raise KitError(f"{PREFIX}sites", "must be a list", "See stacks/Pulumi.edge.example.yaml.")
    ids = keys.ids_of(written)
    return parse_edge(plain, dict.fromkeys(ids, "to be made"))
