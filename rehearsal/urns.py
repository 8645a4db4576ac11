"""URNs: urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>."""

from collections.abc import Mapping

from rehearsal.model import Alias

STACK_TYPE = "pulumi:pulumi:Stack"


def qualified_type(urn: str) -> str:
    """The chain of types, `Parent$Child`."""
    return urn.split("::", 3)[2]


def type_of(urn: str) -> str:
    """The resource's own type token."""
    return qualified_type(urn).rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    """The logical name."""
    return urn.split("::", 3)[3]


def make_urn(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The root stack is no part of its children's type chain."""
    chain = "" if not parent or type_of(parent) == STACK_TYPE else qualified_type(parent) + "$"
    return f"urn:pulumi:{stack}::{project}::{chain}{type_}::{name}"


def is_default_provider(urn: str) -> bool:
    """Made by the engine itself; not shown and not counted, as with the real CLI."""
    name = name_of(urn)
    return type_of(urn).startswith("pulumi:providers:") and (name == "default" or name.startswith("default_"))


def package_of(type_: str) -> str:
    """`docker` for docker:index/network:Network; a provider is of the package it serves."""
    if type_.startswith("pulumi:providers:"):
        return type_.rsplit(":", 1)[-1]
    return type_.split(":", 1)[0]


def former_urns(urn: str, parent: str, aliases: list[Alias], renamed: Mapping[str, str]) -> list[str]:
    """The URNs a resource may have had: its aliases, and what a renamed parent makes of its own name.

    `renamed` maps a URN of this run to the one it was found under in the state. Follows
    `generateAliases` of the real engine (pkg/resource/deploy/step_generator.go, 3.272.0).
    """
    own = [_former(urn, parent, alias, renamed) for alias in aliases]
    if parent in renamed:
        family = [_inherited(each, parent, renamed[parent]) for each in [urn, *own]]
        own += family
    return list(dict.fromkeys(each for each in own if each != urn))


def _former(urn: str, parent: str, alias: Alias, renamed: Mapping[str, str]) -> str:
    if alias.urn:
        return alias.urn
    stack, project = urn.removeprefix("urn:pulumi:").split("::")[:2]
    above = renamed.get(alias.parent, alias.parent) if alias.parent else parent
    return make_urn(
        alias.stack or stack,
        alias.project or project,
        "" if alias.no_parent else above,
        alias.type or type_of(urn),
        alias.name or name_of(urn),
    )


def _inherited(child: str, parent: str, parent_was: str) -> str:
    name = name_of(child)
    if name.startswith(name_of(parent)):
        name = name_of(parent_was) + name.removeprefix(name_of(parent))
    stack, project = child.removeprefix("urn:pulumi:").split("::")[:2]
    return make_urn(stack, project, parent_was, type_of(child), name)
