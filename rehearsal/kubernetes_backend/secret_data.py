"""Secrets on their way to the server and back.

`stringData` is sent as `data`: the server never gives it back, and a key that is applied as `stringData`
is not removed when it is left out later. In outputs `data` and `stringData` hold what the inputs hold.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from rehearsal.backend import Properties, RefusedError


def is_secret(values: Mapping[str, Any]) -> bool:
    """Whether the object is a core Secret."""
    return values.get("kind") == "Secret" and values.get("apiVersion") == "v1"


def as_sent(inputs: Mapping[str, Any]) -> Properties:
    """The manifest for the server."""
    if not is_secret(inputs):
        return dict(inputs)
    texts = inputs.get("stringData") or {}
    wrong = sorted(key for key, value in texts.items() if not isinstance(value, str))
    if wrong:
        raise RefusedError(f"Secret: stringData {', '.join(wrong)} must be text. Next step: correct it")
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in texts.items()}
    rest = {key: value for key, value in inputs.items() if key != "stringData"}
    return {**rest, "data": {**(inputs.get("data") or {}), **encoded}} if encoded else rest


def as_asked(live: Properties, known: Mapping[str, Any]) -> Properties:
    """The object as the server has it, its data under the keys that `known` has them under."""
    if not is_secret(live):
        return live
    held: Mapping[str, str] = live.get("data") or {}
    made = {key: value for key, value in live.items() if key != "data"}
    if "data" in known:
        made["data"] = {key: held[key] for key in known["data"] if key in held}
    if "stringData" in known:
        made["stringData"] = {key: _text(held[key]) for key in known["stringData"] if key in held}
    return made


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return encoded
