"""Asks the served model one question, as a user's client would."""

import json
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from catalog.errors import UpdateError

QUESTION = "What is the capital of France?"
MAX_TOKENS = 64
ATTEMPTS = 30
ASK_SECONDS = 120
"""Longest wait for one answer."""
START_SECONDS = 1800
"""How long the command for a user asks again while a model starts, the coming of its node included."""


@dataclass(frozen=True)
class Answer:
    """What the model said, and how fast, the request's whole time counted."""

    text: str
    tokens: int | None
    """None where the endpoint does not count them."""
    seconds: float


def ask(endpoint: str, key: str, model: str, attempts: int = ATTEMPTS) -> Answer:
    """One chat completion through the gateway. Raises UpdateError when there is no answer."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": QUESTION}],
        "max_tokens": MAX_TOKENS,
        "temperature": 0,
    }
    said = "no answer"
    with httpx.Client(
        headers={"Authorization": f"Bearer {key}"}, timeout=ASK_SECONDS, trust_env=False
    ) as client:
        for _ in range(attempts):
            started = time.monotonic()
            try:
                response = client.post(f"{endpoint}/chat/completions", json=body)
            except httpx.HTTPError as error:
                said = str(error)
            else:
                if response.is_success:
                    return _answer(response.json(), time.monotonic() - started)
                said = response.text
                # A gateway that is just reloading refuses a new key or model for a moment.
                if response.status_code not in (401, 403, 404, 429, 503):
                    break
            time.sleep(1)
    raise UpdateError(
        f"model {model}", f"did not answer through {endpoint}: {said}", "`make logs` shows why."
    )


def command(endpoint: str, stack: str, key: str, model: str) -> str:
    """The same question as a shell command without the key in it; one that sleeps is waited for."""
    body = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
    login = f'"Authorization: Bearer $(make -s key STACK={shlex.quote(stack)} ID={shlex.quote(key)})"'
    return (
        f"curl --retry {START_SECONDS} --retry-max-time {START_SECONDS} {endpoint}/chat/completions"
        f" -H {login} -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"
    )


def _answer(found: Mapping[str, Any], seconds: float) -> Answer:
    """A model that thinks first may have no answer within so few tokens: then its thoughts are shown."""
    message = found["choices"][0]["message"]
    thoughts = message.get("reasoning") or message.get("reasoning_content") or ""
    usage = found.get("usage") or {}
    return Answer(message.get("content") or thoughts, usage.get("completion_tokens"), seconds)
