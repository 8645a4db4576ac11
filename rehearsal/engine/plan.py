"""What to do with one resource: pure decisions, the same in a preview and in an update."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rehearsal.backend import UNKNOWN, Backend, Diff, Existing, RefusedError
from rehearsal.model import Registration
from rehearsal.paths import get_at, has_at, parse_path, with_at, without
from rehearsal.state.checkpoint import Resource
from rehearsal.urns import is_default_provider, name_of, package_of
from rehearsal.values import mark_secrets, plain, secret_paths

Op = Literal["create", "update", "replace", "delete", "same", "read"]


@dataclass(frozen=True)
class Plan:
    """`changed` and `reasons` are property names; `inputs` are checked, secrets marked."""

    op: Op
    inputs: dict[str, Any]
    changed: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    delete_first: bool = False


def existing(resource: Resource) -> Existing:
    """An entry as a backend sees it."""
    return Existing(resource.id, plain(resource.outputs), plain(resource.inputs))


def checked(
    backend: Backend, wanted: Registration, raw: Mapping[str, Any], old: Resource | None
) -> dict[str, Any]:
    """Inputs after the backend's check, secrets marked where the program had them."""
    former = plain(old.inputs) if old is not None else None
    # By its former name a backend recognises the automatic name of a resource found under an alias.
    name = name_of(old.urn) if old is not None else wanted.name
    filled = backend.check(wanted.type, name, plain(raw), former)
    return mark_secrets(filled, list(secret_paths(dict(raw))))


def without_ignored(wanted: Registration, old: Resource | None) -> dict[str, Any]:
    """The inputs with every `ignore_changes` path as it was before."""
    inputs: Any = dict(wanted.inputs)
    for text in wanted.ignore_changes if old is not None else ():
        if "*" in text:
            raise RefusedError(
                f"the rehearsal does not implement the wildcard {text!r} in ignore_changes. "
                "Next step: name the properties"
            )
        path = parse_path(text)
        if old is not None and has_at(old.inputs, path):
            inputs = with_at(inputs, path, get_at(old.inputs, path))
        else:
            inputs = without(inputs, path)
    return dict(inputs)


def plan(backend: Backend, wanted: Registration, old: Resource | None, *, gone: bool) -> Plan:
    """Decide. `gone`: the old one was deleted in this run, because something it depends on was replaced."""
    raw = without_ignored(wanted, old)
    if old is None:
        return Plan("create", checked(backend, wanted, raw, None))
    inputs = checked(backend, wanted, raw, old)
    diff = backend.diff(wanted.type, existing(old), plain(inputs)) if not gone else Diff()
    forced = _forced(wanted, old, diff)
    if not (diff.replace or forced or gone):
        return Plan("update" if diff.changed else "same", inputs, diff.changed)
    # Anew without the old inputs: the new one needs an automatic name of its own beside the old one.
    anew = checked(backend, wanted, raw, None)
    first = wanted.delete_before_replace
    return Plan(
        "replace",
        anew,
        diff.changed,
        tuple(dict.fromkeys((*diff.replace, *forced))),
        delete_first=diff.delete_before_replace if first is None else first,
    )


def _forced(wanted: Registration, old: Resource, diff: Diff) -> list[str]:
    """Reasons beside the backend's: `replace_on_changes`, another provider, another type."""
    reasons = []
    for changed in diff.changed:
        for text in wanted.replace_on_changes:
            if text == "*" or changed == text or _is_below(changed, text) or _is_below(text, changed):
                reasons.append(changed)
    if old.type != wanted.type:
        reasons.append("type")
    if _other_provider(old.provider_urn, wanted.provider.rsplit("::", 1)[0]):
        reasons.append("provider")
    return reasons


def _is_below(inner: str, outer: str) -> bool:
    return inner.startswith((f"{outer}.", f"{outer}["))


def _other_provider(old: str, new: str) -> bool:
    if not old or not new or old == new:
        return False
    # Two default providers of a package differ by version only, and a version replaces nothing.
    both = is_default_provider(old) and is_default_provider(new)
    same_package = package_of(old.split("::")[2]) == package_of(new.split("::")[2])
    return not (both and same_package)


def must_go_first(root: Resource, entries: list[Resource], diff_of: Any) -> list[Resource]:
    """What has to be deleted before `root`: dependents whose own replacement its absence forces.

    As `calculateDependentReplacements` of the real engine: a dependent goes only if the backend, told
    that the properties it took from what is replaced are unknown, asks for a replacement. In an order
    in which they can be deleted. `diff_of(resource, inputs)` is the backend's Diff.
    """
    replaced = {root.urn}
    found: list[Resource] = []
    for each in entries:
        if each is root or not each.custom or each.external:
            continue
        touched = {key for key, urns in each.property_dependencies.items() if replaced.intersection(urns)}
        if not touched.intersection(each.inputs):
            continue
        inputs = {key: UNKNOWN if key in touched else value for key, value in plain(each.inputs).items()}
        if diff_of(each, inputs).replace:
            replaced.add(each.urn)
            found.append(each)
    return found[::-1]
