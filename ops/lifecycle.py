"""From nothing to a served model, and back."""

import subprocess
from collections.abc import Sequence
from typing import Any

from catalog.errors import KitError
from ops import decide, docker_engine, host_checks, keys
from ops.ask import QUESTION, ask
from ops.cleanup import purge_state, remove_images, remove_small_store
from ops.paths import stack_file
from ops.runner import Runner
from ops.say import step
from stacks.config import STRUCTURED_KEYS, plain_keys, refuse_unknown_keys
from stacks.settings import NAMESPACE, StackSettings, parse


def up(stack: str, runner: str | None) -> None:
    """Bring the stack up and show that it answers."""
    settings_of(stack, with_secrets=False)
    docker_engine.ensure()
    used = decide.choose_runner(stack, runner)
    decide.decide(stack, used)
    keys.ensure(used)
    settings = settings_of(stack)
    host_checks.check(settings, stack)
    step(f"{used.name} up")
    used.up()
    _show(used, settings)


def preview(stack: str, runner: str | None) -> None:
    """Print what `up` would change."""
    settings_of(stack)
    decide.choose_runner(stack, runner).preview()


def down(stack: str) -> None:
    """Remove what `up` made: containers, networks, small stores, images. State and keys stay."""
    used = decide.choose_runner(stack, None)
    docker_engine.ensure()
    step(f"{used.name} down")
    used.down()
    remove_small_store(stack)
    remove_images(stack)
    decide.forget_runner(stack, used)
    step(f"stack {stack} is down; its keys stay in stacks/{stack_file(stack).name}")


def purge(stack: str, *, sure: bool) -> None:
    """After `down`: remove state, keys and the model store, too."""
    purge_state(stack, sure=sure)


def key(stack: str, key_id: str, new: str | None, models: Sequence[str], per_minute: int | None) -> None:
    """Show a key, or add one."""
    used = decide.choose_runner(stack, None)
    if new is not None:
        keys.add(used, new, models, per_minute)
    else:
        print(keys.show(used, key_id))


def set_config(stack: str, name: str, value: str) -> None:
    """Set one plain value of the stack's config; one that cannot work is refused and not kept."""
    used = decide.choose_runner(stack, None)
    before = stack_file(stack).read_text()
    used.set_config(f"{NAMESPACE}:{name}", value, path=True)
    try:
        settings_of(stack, with_secrets=False)
    except KitError:
        stack_file(stack).write_text(before)
        raise


def logs(stack: str) -> None:
    """The last lines of every container of the stack."""
    listed = subprocess.run(
        [
            "docker",
            "ps",
            "-a",
            "--filter",
            f"label=slm-kit.stack={stack}",
            "--format",
            '{{.Names}} {{.Label "slm-kit.workload"}} {{.Status}}',
        ],
        text=True,
        capture_output=True,
        check=False,
    ).stdout.splitlines()
    for line in listed:
        print(f"== {line}")
        subprocess.run(["docker", "logs", "--tail", "50", line.split()[0]], check=False)


def settings_of(stack: str, *, with_secrets: bool = True) -> StackSettings:
    """The stack's settings as its file has them; what cannot work is refused here already."""
    written = decide.config(stack)
    refuse_unknown_keys(written)
    plain: dict[str, Any] = {
        name: written[f"{NAMESPACE}:{name}"] for name in plain_keys() if f"{NAMESPACE}:{name}" in written
    }
    secrets = written.get(f"{NAMESPACE}:keySecrets") or {}
    if not with_secrets:
        ids = [each.get("id") for each in plain.get("keys", []) if isinstance(each, dict)]
        secrets = dict.fromkeys(ids, "to be made")
    if "modelSource" not in plain and not with_secrets:
        plain["modelSource"] = _any_source(plain)
    for name in STRUCTURED_KEYS:
        if name in plain and not isinstance(plain[name], list):
            raise KitError(f"{NAMESPACE}:{name}", "must be a list", "See the stack's example file.")
    return parse(plain, secrets)


def _any_source(plain: dict[str, Any]) -> str:
    """A source kind to check the rest with, while none is decided yet."""
    return decide.any_source({f"{NAMESPACE}:{k}": v for k, v in plain.items()})


def _show(used: Runner, settings: StackSettings) -> None:
    endpoint = used.outputs()["endpoint"]
    first = settings.models[0].name
    key = keys.show(used, settings.keys[0].id)
    step(f"asking {first}: {QUESTION}")
    answer = ask(endpoint, key, first)
    print()
    print(f"  answer    {answer.text.strip()}")
    print(
        f"  speed     {answer.tokens / answer.seconds:.0f} tokens/s "
        f"({answer.tokens} tokens in {answer.seconds:.2f} s, one request)"
    )
    print(f"  endpoint  {endpoint}")
    print(f"  models    {', '.join(model.name for model in settings.models)}")
    print(f"  key       make -s key STACK={used.stack}")
