"""The commands behind the Makefile: `python -m ops VERB --stack STACK`."""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence

from catalog.errors import KitError
from ops import advise, docker_engine, images, lifecycle, lock_models, models, removal, rendering
from ops.keys import KeyOptions

VERBS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "up": lambda a: lifecycle.up(a.stack, a.runner, sure=a.yes),
    "preview": lambda a: lifecycle.preview(a.stack),
    "render": lambda a: rendering.render(a.stack),
    "down": lambda a: removal.down(a.stack, sure=a.yes),
    "purge": lambda a: removal.purge(a.stack, sure=a.yes),
    "key": lambda a: lifecycle.key(
        a.stack, KeyOptions(a.id, a.new, a.rotate, a.models, a.requests_per_minute, a.expires)
    ),
    "config": lambda a: lifecycle.set_config(a.stack, a.key, a.value),
    "password": lambda a: lifecycle.password(a.stack, a.name),
    "models": lambda a: models.show(a.model),
    "lock-models": lambda a: lock_models.lock_models(a.models),
    "advise": lambda a: advise.advise(a.model, a.context, a.concurrency, a.hardware, a.engine),
    "load": lambda a: lifecycle.load(a.stack, a.seconds, a.concurrency),
    "images": lambda a: images.make(a.stack, images.Wanted(a.prefix, a.tag, a.names, a.models, a.push)),
    "engine": lambda _: docker_engine.ensure(),
    "logs": lambda a: lifecycle.logs(a.stack, a.request),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; a refusal is one message on standard error and the exit code of its kind."""
    parser = argparse.ArgumentParser(prog="python -m ops", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in VERBS:
        verb = verbs.add_parser(name)
        verb.add_argument("--stack", default="local-docker")
        if name == "up":
            verb.add_argument("--runner", choices=("pulumi", "rehearsal"))
        if name == "key":
            verb.add_argument("--id", default="default", help="key to show")
            verb.add_argument("--new", help="id of a key to add")
            verb.add_argument("--rotate", help="id of a key to give a new secret")
            verb.add_argument("--models", nargs="*", default=["*"])
            verb.add_argument("--requests-per-minute", type=int)
            verb.add_argument("--expires", help="first day (UTC) on which the new key is refused: 2027-01-31")
        if name == "config":
            verb.add_argument("key", help="a key, or a path such as models[0].contextLength")
            verb.add_argument("value", nargs="?", help="default: standard input")
        if name == "password":
            verb.add_argument("--name", default="open-webui")
        if name == "models":
            verb.add_argument("--model", help="one model in detail")
        if name == "lock-models":
            verb.add_argument("models", nargs="*", help="default: all")
        if name == "advise":
            verb.add_argument("model")
            verb.add_argument("--context", type=int, default=2048, help="tokens of prompt and answer")
            verb.add_argument("--concurrency", type=int, default=4, help="requests at once")
            verb.add_argument("--hardware", help="of catalog/hardware.yaml or azure_skus.yaml; default: all")
            verb.add_argument("--engine", help="default: the kit chooses")
        if name == "logs":
            verb.add_argument("--request", help="id of a request: only lines that name it, of all containers")
        if name == "images":
            images.add_flags(verb)
        if name == "load":
            verb.add_argument("--seconds", type=int, default=60, help="1 to 600")
            verb.add_argument("--concurrency", type=int, default=4, help="requests at once, 1 to 64")
        if name in ("up", "down", "purge"):
            verb.add_argument("--yes", action="store_true", help="do not ask")
    chosen = parser.parse_args(arguments)
    try:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", chosen.stack):
            raise KitError(f"stack {chosen.stack!r}", "is no stack's name", "Use letters, digits, - and _.")
        VERBS[chosen.verb](chosen)
    except KitError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; run the same command again, it continues", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
