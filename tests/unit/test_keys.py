"""API keys: form, and the hash that the gateway holds."""

import base64
import hashlib
import re

from components.secrets import _sha256
from ops.keys import KEY_BYTES, new_key


def test_a_key_is_32_random_bytes_in_base64url() -> None:
    key = new_key()
    assert re.fullmatch(r"slm-[A-Za-z0-9_-]{43}", key)
    assert len(base64.urlsafe_b64decode(key.removeprefix("slm-") + "=")) == KEY_BYTES
    assert new_key() != key


def test_the_gateway_holds_the_sha256_of_the_whole_key() -> None:
    assert _sha256("slm-x") == hashlib.sha256(b"slm-x").hexdigest()
