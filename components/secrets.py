"""API keys: who may call, and the hashes that let the gateway tell."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypedDict

import pulumi

from components.gateway.config import KeyGrant, render_keys


class ApiKeysArgs(TypedDict):
    """The keys of a stack."""

    grants: Sequence[KeyGrant]
    """Who may call which models how often; holds no key."""
    secrets: pulumi.Input[Mapping[str, str]]
    """Key id to key, secret. An id without a grant is ignored: revoked by taking its grant away."""


class ApiKeys(pulumi.ComponentResource):
    """Turns keys into what the gateway may hold. `hashes` is the content of its key file, secret."""

    hashes: pulumi.Output[str]

    def __init__(self, name: str, args: ApiKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slm:index:ApiKeys", name, {}, opts)
        self.grants = tuple(args["grants"])
        ids = [grant.id for grant in self.grants]
        self.hashes = pulumi.Output.secret(args["secrets"]).apply(
            lambda keys: render_keys({each: _sha256(keys[each]) for each in ids})
        )
        self.register_outputs({"hashes": self.hashes})


def _sha256(key: str) -> str:
    # No salt and no stretching: a key is 32 random bytes, which no guessing reaches.
    return hashlib.sha256(key.encode()).hexdigest()
