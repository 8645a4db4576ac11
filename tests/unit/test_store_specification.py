"""What the catalog asks for is what docker/model-tools understands: the two share no code."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from catalog import models
from catalog.sources import (
    File,
    FolderSource,
    HttpsSource,
    OciSource,
    Source,
    UrlFile,
    specification,
    store_path,
)
from tests.conftest import ROOT

FILE: dict[str, Any] = {"name": "model.gguf", "sha256": "a" * 64, "bytes": 7}
OTHER: dict[str, Any] = {"name": "a.json", "sha256": "b" * 64, "bytes": 9}
DIGEST = "c" * 64
SOURCES = [
    HttpsSource(kind="https", files=(UrlFile(**FILE, url="https://models.example/model.gguf"),)),
    FolderSource(kind="file", files=(File(**FILE), File(**OTHER))),
    OciSource(kind="oci", reference=f"registry.example/models/x@sha256:{DIGEST}", files=(File(**FILE),)),
]


@pytest.fixture
def read_spec(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """The tool's own reader."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "docker" / "model-tools"), *sys.path])
    from model_tools.spec import read_spec as read  # type: ignore[import-not-found, unused-ignore]

    return read  # type: ignore[no-any-return, unused-ignore]


def test_every_variant_of_the_catalog_is_understood(read_spec: Callable[[str], Any]) -> None:
    for model in models.load().values():
        for name, variant in model.variants.items():
            if not variant.locked:
                continue  # No revision yet, so no path; the same kinds of sources are tested below.
            wanted = specification(model.name, name, variant.source, variant.convert)
            assert read_spec(json.dumps(wanted)).path == store_path(model.name, name, variant.source)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.kind)
def test_every_kind_of_source_is_understood(source: Source, read_spec: Callable[[str], Any]) -> None:
    assert read_spec(json.dumps(specification("m", "v", source, None))).path == store_path("m", "v", source)
