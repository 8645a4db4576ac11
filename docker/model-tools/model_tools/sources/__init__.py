"""Where models come from: each kind turns its specification into a `Plan`."""

from __future__ import annotations

from model_tools.download import Downloader
from model_tools.source_spec import (
    FileSource,
    HttpsSource,
    HubSource,
    OciSource,
    PypiSource,
)
from model_tools.sources import hub, local, oci, pypi, web
from model_tools.sources.plan import Plan


def plan(
    source: PypiSource | HubSource | HttpsSource | FileSource | OciSource, downloader: Downloader
) -> Plan:
    """Look the source up and say what it takes; nothing is written yet."""
    match source:
        case PypiSource():
            return pypi.plan(source, downloader)
        case HubSource():
            return hub.plan(source, downloader)
        case HttpsSource():
            return web.plan(source, downloader)
        case FileSource():
            return local.plan(source)
        case OciSource():
            return oci.plan(source, downloader)
