"""From nothing to a served model, and back."""

import re
import subprocess
import sys

from catalog.errors import KitError
from monitoring.watched import LOGIN
from ops import decide, docker_engine, first_answer, host_checks, keys, trust
from ops import load as traffic
from ops.ask import Answer
from ops.cleanup import purge_state, remove_failed_jobs, remove_images, remove_small_store
from ops.keys import KeyOptions
from ops.paths import stack_file
from ops.runner import PulumiCli, Runner, runner_for
from ops.say import step
from ops.stack_settings import kept_if_valid, settings_of
from stacks.config import MONITORING_PASSWORD, SECRET_KEYS
from stacks.plan import plan
from stacks.settings import NAMESPACE, StackSettings

LOCAL = "local-docker"


def up(stack: str, runner: str | None) -> None:
    """Bring the stack up and show that it answers."""
    decide.begin(stack)
    _is_local(stack)
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
    _is_local(stack)
    if f"{NAMESPACE}:runner" not in decide.config(stack):
        raise KitError(
            f"stack {stack}", "is not up, and nothing is decided yet", f"Run `make up STACK={stack}` first."
        )
    plan(settings_of(stack))
    decide.current_runner(stack).preview()


def render(stack: str) -> None:
    """Print every resource of the stack as JSON; needs no engine and touches nothing of Docker."""
    decide.begin(stack)
    used = runner_for("rehearsal", stack)
    target = decide.target(stack)
    if target != "aks":
        settings_of(stack, with_secrets=False)
        keys.ensure(used)
        keys.ensure_passwords(used)
    used.show("render", "--json")


def _is_local(stack: str) -> None:
    """Refuse a stack that these commands do not bring up."""
    target = decide.target(stack)
    if target != LOCAL:
        raise KitError(
            f"stack {stack} with target {target}",
            f"`make up`, `preview` and `down` are for target {LOCAL}",
            f"`make render STACK={stack}` makes its keys and shows it; then `pulumi up --stack {stack}`.",
        )


def down(stack: str) -> None:
    """Remove what `up` made: containers, networks, small stores, images. State and keys stay."""
    _is_local(stack)
    used = decide.current_runner(stack)
    docker_engine.require()
    step(f"{used.name} down")
    used.down()
    remove_small_store(stack)
    remove_images(stack)
    decide.forget_runner(stack, used)
    if isinstance(used, PulumiCli):
        used.forget()
    step(f"stack {stack} is down; its keys stay in stacks/{stack_file(stack).name}")


def purge(stack: str, *, sure: bool) -> None:
    """After `down`: remove state, keys and the model store, too."""
    purge_state(stack, sure=sure)


def key(stack: str, options: KeyOptions) -> None:
    """Show a key, add one, or give one a new secret."""
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
    print(keys.show_password(decide.current_runner(stack), name))


def set_config(stack: str, name: str, value: str | None) -> None:
    """Set one value of the stack's config; a secret one is read from standard input."""
    decide.begin(stack)
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
    """The last lines of every container of the stack, or all that Docker still has of one request."""
    decide.config(stack)
    label, form = f"label=slm-kit.stack={stack}", '{{.Names}} {{.Label "slm-kit.workload"}} {{.Status}}'
    listing = ["docker", "ps", "-a", "--filter", label, "--format", form]
    listed = subprocess.run(listing, text=True, capture_output=True, check=False).stdout.splitlines()
    some = False
    for line in listed:
        name = line.split()[0]
        if request is None:
            print(f"== {line}", flush=True)
            subprocess.run(["docker", "logs", "--tail", "50", name], check=False)
            continue
        written = subprocess.run(
            ["docker", "logs", name], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ).stdout
        kept = written.decode(errors="replace").splitlines()
        found = [each for each in kept if _names(each, request)]
        if found:
            print(f"== {line}", *found, sep="\n")
        some = some or bool(found)
    if request is not None and not some:
        limit = f"no container of stack {stack} has a line with it"
        raise KitError(f"request {request!r}", limit, "It may be older than what Docker keeps (30 MB each).")


def _names(line: str, request: str) -> bool:
    """Whether a line has this id, and not as a part of another."""
    letter = "[A-Za-z0-9._-]"
    return re.search(f"(?<!{letter}){re.escape(request)}(?!{letter})", line) is not None


def load(stack: str, seconds: int, concurrency: int) -> None:
    """Traffic of our own, then what monitoring recorded of it."""
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
