"""Keeps credentials out of what is printed: errors of libraries carry whole URLs."""

from __future__ import annotations

import re

_USERINFO = re.compile(r"(?<=//)[^/@\s]+@")
# Presigned download links carry their credential in the query.
_QUERY = re.compile(r"(https?://[^\s?'\"<>]*|(?<=url: )/[^\s?'\"<>]*)\?[^\s'\"<>)]+")
_HEADER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+")


class Redactor:
    """Replaces known secrets, credentials in URLs and the queries of URLs by `***`."""

    def __init__(self, secrets: frozenset[str] = frozenset()) -> None:
        self._secrets = sorted(secrets - {""}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = _USERINFO.sub("***@", text)
        text = _QUERY.sub(r"\1?***", text)
        return _HEADER.sub(r"\1 ***", text)
