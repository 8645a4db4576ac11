"""Files at plain URLs."""

from __future__ import annotations

from model_tools.download import Downloader
from model_tools.source_spec import HttpsSource
from model_tools.sources.plan import Plan, Remote, expected, plan_of


def plan(source: HttpsSource, downloader: Downloader) -> Plan:
    return plan_of([Remote(file.url, expected(file)) for file in source.files], downloader)
