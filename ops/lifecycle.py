"""From nothing to a served model, and back."""

import re
import sys

from catalog.errors import KitError
from monitoring.watched import LOGIN
from ops import azure, cluster, decide, docker_engine, edge, first_answer, host_checks, keys, trust
from ops import load as traffic
from ops import logs as written
from ops.ask import Answer
from ops.cleanup import remove_failed_jobs
from ops.keys import KeyOptions
from ops.runner import Runner
from ops.say import step
from ops.stack_settings import kept_if_valid, settings_of
from ops.targets import AZURE, CLUSTER, EDGE, LOCAL, refuse
from stacks.config import MONITORING_PASSWORD, SECRET_KEYS
from stacks.plan import plan
from stacks.settings import NAMESPACE, StackSettings


def up(stack: str, runner: str | None, *, sure: bool = False) -> None:
    """Bring the stack up and show that it answers. `sure`: do not ask about what costs money."""
    decide.begin(stack)
    target = decide.target(stack)
    if target == LOCAL:
        _up_here(stack, runner)
    elif target == CLUSTER:
        cluster.up(stack, runner)
    elif target == AZURE:
        azure.up(stack, runner, sure=sure)
    else:
        edge.up(stack, runner)


def _up_here(stack: str, runner: str | None) -> None:
    decide.restore_authorities(stack, decide.config(stack), trust.find())
    settings_of(stack, with_secrets=False)
    docker_engine.ensure()
    used = decide.choose_runner(stack, runner)
    decide.decide(stack, used)
    keys.ensure(used)
    keys.ensure_passwords(used)
    settings = settings_of(stack)
    plan(settings)
    host_checks.check(settings, stack)
    remove_failed_jobs(stack)
    step(f"{used.name} up")
    _show(used, settings, first_answer.bring_up(used, settings))


def preview(stack: str) -> None:
    """Print what `up` would change."""
    decide.begin(stack)
    target = decide.target(stack)
    if target == AZURE:
        azure.preview(stack)
        return
    if target == EDGE:
        edge.preview(stack)
        return
    if f"{NAMESPACE}:runner" not in decide.config(stack):
        raise KitError(
            f"stack {stack}", "is not up, and nothing is decided yet", f"Run `make up STACK={stack}` first."
        )
    settings, used = settings_of(stack), decide.current_runner(stack)
    plan(settings)
    if target == CLUSTER:
        cluster.check(used, settings)
    used.preview()


def key(stack: str, options: KeyOptions) -> None:
    """Show a key, add one, or give one a new secret."""
    if (target := decide.target(stack)) == AZURE:
        refuse(stack, target, "key")
    used = decide.current_runner(stack)
    if options.new is not None:
        with kept_if_valid(stack):
            keys.add(used, options.new, options)
        step(f"key {options.new!r} is in the stack config; `make up STACK={stack}` brings it to the gateway")
    elif options.rotate is not None:
        keys.rotate(used, options.rotate)
    else:
        print(keys.show(used, options.id))


def password(stack: str, name: str) -> None:
    """Show a password of the stack."""
    if (target := decide.target(stack)) == AZURE:
        refuse(stack, target, "password")
    print(keys.show_password(decide.current_runner(stack), name))


def set_config(stack: str, name: str, value: str | None) -> None:
    """Set one value of the stack's config; a secret one is read from standard input."""
    decide.begin(stack)
    if (target := decide.target(stack)) == AZURE:
        refuse(stack, target, "config")
    used = decide.current_runner(stack)
    secret = re.split(r"[.\[]", name)[0] in SECRET_KEYS
    if secret and value is not None:
        raise KitError(
            f"{NAMESPACE}:{name}", "is a secret, and arguments are seen by everybody on the machine",
            "Leave VALUE out and give it on standard input.",
        )  # fmt: skip
    given = sys.stdin.read().strip() if value is None else value
    with kept_if_valid(stack):
        used.set_config(f"{NAMESPACE}:{name}", given, path=True, secret=secret)
    step(f"{NAMESPACE}:{name} is in the stack config; `make preview STACK={stack}` shows what it changes")


def logs(stack: str, request: str | None) -> None:
    """The last lines of every container of the stack, or all that is still kept of one request."""
    target = decide.target(stack)
    if target == LOCAL:
        written.of_containers(stack, request)
    elif target == CLUSTER:
        cluster.logs(decide.current_runner(stack), settings_of(stack), request)
    else:
        refuse(stack, target, "logs")


def load(stack: str, seconds: int, concurrency: int) -> None:
    """Traffic of our own, then what monitoring recorded of it."""
    target = decide.target(stack)
    if target != LOCAL:
        refuse(stack, target, "load")
    traffic.load(decide.current_runner(stack), settings_of(stack), seconds, concurrency)


def _show(used: Runner, settings: StackSettings, answer: Answer | None) -> None:
    if answer is not None:
        first_answer.show(answer)
    found = used.outputs()
    print(f"  endpoint  {found['endpoint']}")
    print(f"  models    {', '.join(model.name for model in settings.models)}")
    print(f"  key       make -s key STACK={used.stack}")
    for page, url in (found.get("monitoring") or {}).items():
        print(f"  {page:<9} {url}")
    if "monitoring" in found:
        print(f"  login     {LOGIN}, make -s password NAME={MONITORING_PASSWORD} STACK={used.stack}")
