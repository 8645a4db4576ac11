"""The answer that shows that a stack works, as soon as a model gives one: monitoring is built behind it."""

import contextlib
import threading
from collections.abc import Iterator

import docker
import httpx
from docker.errors import DockerException

from catalog.errors import UpdateError
from catalog.models import find
from components.gateway.component import endpoint_of
from ops import keys
from ops.ask import ASK_SECONDS, QUESTION, Answer, ask
from ops.runner import Runner
from ops.say import step
from stacks.settings import StackSettings

POLL_SECONDS = 1.0


def askable(settings: StackSettings) -> Iterator[tuple[str, str]]:
    """Key id and model for each key that may chat now. An external model may be anything, and is not ours to
    bill."""
    for key in settings.keys:
        for model in settings.hosted:
            granted = "*" in key.models or model.name in key.models
            if granted and not key.expired(keys.today()) and find(model.catalog_name).task == "chat":
                yield key.id, model.name


def bring_up(used: Runner, settings: StackSettings) -> Answer | None:
    """Update the stack and ask the first model that can be asked.

    Behind the update, and where nobody answered before also beside it, as soon as somebody does. None where
    no key may chat. Raises UpdateError.
    """
    pair = next(askable(settings), None)
    if pair is None:
        used.up()
        step("no key may chat with any model: nothing to ask")
        return None
    endpoint = endpoint_of(settings.gateway_address, settings.gateway_port)
    key, model = keys.show(used, pair[0]), pair[1]
    with _asking(used.stack, endpoint, key, model) as early:
        used.up()
    # Asked again where monitoring was built beside the first answer: its speed is not the machine's.
    step(f"asking {model}: {QUESTION}" + (" (again, with nothing being built)" if early else ""))
    return ask(endpoint, key, model)


def show(answer: Answer) -> None:
    """Print it and how fast it came."""
    print(f"\n  answer    {answer.text.strip()}")
    if answer.tokens is not None:
        took = f"{answer.tokens} tokens in {answer.seconds:.2f} s, one request"
        print(f"  speed     {answer.tokens / answer.seconds:.0f} tokens/s ({took})")


@contextlib.contextmanager
def _asking(stack: str, endpoint: str, key: str, model: str) -> Iterator[list[Answer]]:
    """A list that an answer may get into while the block runs."""
    answers: list[Answer] = []
    over = threading.Event()

    def try_until_over() -> None:
        while not over.wait(POLL_SECONDS):
            # A gateway without its model yet, or one that is cut off: it comes, or the update says why not.
            with contextlib.suppress(UpdateError, httpx.HTTPError, DockerException):
                if _gateway_answers(endpoint) and _is_ready(stack, model):
                    answers.append(ask(endpoint, key, model, attempts=1))
                    step(f"first answer: asked {QUESTION!r}, {model} says {answers[0].text.strip()!r}")
                    return

    asking = threading.Thread(target=try_until_over, daemon=True)
    if not _gateway_answers(endpoint):
        asking.start()
    try:
        yield answers
    finally:
        over.set()
        if asking.is_alive():
            asking.join(timeout=ASK_SECONDS)


def _is_ready(stack: str, model: str) -> bool:
    """Whether its engine says so. Asked before, the gateway would refuse, which counts against what the model
    promises."""
    labels = [f"slm-kit.stack={stack}", f"slm-kit.workload={model}"]
    with contextlib.closing(docker.from_env()) as client:
        return bool(client.containers.list(filters={"label": labels, "health": "healthy"}))


def _gateway_answers(endpoint: str) -> bool:
    try:
        return httpx.get(f"{endpoint.removesuffix('/v1')}/healthz", timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False
