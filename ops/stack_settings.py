"""A stack's file as settings, and changes of it that are kept only where they can work."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.errors import KitError
from components.open_webui import KEY_ID as OPEN_WEBUI_KEY
from ops import edge, model_source
from ops.decide import config, target
from ops.paths import stack_file
from ops.targets import EDGE
from stacks.config import STRUCTURED_KEYS, plain_keys, refuse_unknown_keys
from stacks.parsing import parse
from stacks.plan import plan
from stacks.settings import NAMESPACE, StackSettings


@contextlib.contextmanager
def kept_if_valid(stack: str) -> Iterator[None]:
    """A change of the stack's file that cannot work is refused and not kept."""
    before = stack_file(stack).read_text()
    try:
        yield
        if target(stack) == EDGE:
            edge.plans(stack)
        else:
            plan(settings_of(stack, with_secrets=False))
    except KitError:
        stack_file(stack).write_text(before)
        raise


def settings_of(stack: str, *, with_secrets: bool = True) -> StackSettings:
    """The stack's settings as its file has them; what cannot work is refused here already."""
    return settings_from(config(stack), with_secrets=with_secrets)


def settings_from(written: Mapping[str, Any], *, with_secrets: bool = True) -> StackSettings:
    """`settings_of` by the stack's config."""
    refuse_unknown_keys(written)
    plain: dict[str, Any] = {
        name: written[f"{NAMESPACE}:{name}"] for name in plain_keys() if f"{NAMESPACE}:{name}" in written
    }
    secrets = written.get(f"{NAMESPACE}:keySecrets") or {}
    if not with_secrets:
        ids = [each.get("id") for each in plain.get("keys", []) if isinstance(each, dict)]
        secrets = dict.fromkeys([*ids, OPEN_WEBUI_KEY], "to be made")
    if "modelSource" not in plain and not with_secrets:
        # None is decided yet: one to check the rest with.
        plain["modelSource"] = model_source.any_source({f"{NAMESPACE}:{k}": v for k, v in plain.items()})
    for name, wanted in STRUCTURED_KEYS.items():
        if name in plain and not isinstance(plain[name], wanted):
            form = "an object" if wanted is dict else "a list"
            raise KitError(f"{NAMESPACE}:{name}", f"must be {form}", "See the stack's example file.")
    credentials = written.get(f"{NAMESPACE}:externalSecrets") or {}
    return parse(plain, secrets, credentials if with_secrets else None)
