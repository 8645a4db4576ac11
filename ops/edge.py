"""The commands for a stack of edge sites."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from catalog.errors import HostError, KitError
from ops import decide, image_volumes, keys, served_kinds
from ops.decide import PREFIX
from ops.kubectl import Kubectl
from ops.say import step
from ops.tls_secret import TlsSecret
from stacks.edge_config import edge_keys, refuse_unknown
from stacks.edge_settings import EdgeSettings, of_site
from stacks.kubernetes_needs import needs_of
from stacks.parsing import parse_edge
from stacks.reach import AT_A_TIME, unreachable

if TYPE_CHECKING:
    from stacks.edge_plan import SitePlan

GO_ON = "--continue-on-error"
"""At every site that answers; UpdateError where one does not, or something failed."""


def up(stack: str, runner: str | None) -> None:
    """Serve every site that answers. Raises UpdateError where one does not, or something failed.

    KitError for what cannot work at a site, or what its cluster lacks, before anything is made anywhere.
    Without a refresh, which would fail at the first site that is away.
    """
    check_clusters(stack, plans(stack))
    used = decide.choose_runner(stack, runner)
    keys.ensure(used)
    step(f"{used.name} up")
    used.show("up", GO_ON)
    for name, site in used.outputs()["sites"].items():
        led = f" (lead its name to {site['address']})" if site.get("address") else ""
        print(f"  {name:<24} {site['endpoint']}{led}  {', '.join(site['models'])}")


def preview(stack: str) -> None:
    """Print what `up` would change; asks every site. Raises KitError as `up` does."""
    check_clusters(stack, plans(stack))
    decide.current_runner(stack).show("preview")


def check_clusters(stack: str, sites: "Sequence[SitePlan]") -> None:
    """Refuse what clusters lack, all sites at once, by their names. Raises KitError.

    A site that is away, or fails while it is asked, is left to the update: it holds up no other.
    """
    asking = [each for each in sites if needs_of(each.settings) or _mounts_images(each) or _tls_secret(each)]
    away = unreachable([each.site for each in asking])
    here = [each for each in asking if each.site.name not in away]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        refused = [error for error in pool.map(partial(_lacks, stack), here) if error is not None]
    if refused:
        raise KitError(
            "; ".join(each.value for each in refused),
            "; ".join(dict.fromkeys(each.limit for each in refused)),
            " ".join(dict.fromkeys(each.next_step for each in refused)),
        )


def _lacks(stack: str, wanted: "SitePlan") -> KitError | None:
    """What the site's cluster lacks; None where it has everything, or cannot tell."""
    site = wanted.site
    if site.kubernetes is None:
        return None
    where, context = site.kubernetes.kubeconfig, site.kubernetes.context

    def say(text: str) -> None:
        step(f"site {site.name}: {text}")

    try:
        served_kinds.check(needs_of(wanted.settings), where, context, say)
        if _mounts_images(wanted):
            image_volumes.check(Kubectl("default", where, context), say)
        if (secret := _tls_secret(wanted)) is not None:
            # Here, as a machine whose stack has no sites need not have the packages of clusters.
            from stacks.kubernetes_place import namespace_of_site

            space = namespace_of_site(site.kubernetes, stack, site.name)
            TlsSecret(secret, stack, Kubectl(space, where, context), say).check()
    except HostError as failed:
        say(f"not asked what its cluster has: {failed}")
    except KitError as error:
        return of_site(site.name, error)
    return None


def _mounts_images(wanted: "SitePlan") -> bool:
    return wanted.site.kubernetes is not None and wanted.site.kubernetes.model_images is not None


def _tls_secret(wanted: "SitePlan") -> str | None:
    """Secret of its own with which the site's gateway ends TLS; None where there is none."""
    door = wanted.site.kubernetes.load_balancer if wanted.site.kubernetes is not None else None
    return None if door is None else door.tls_secret


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
