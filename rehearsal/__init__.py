"""Runs a Pulumi Python program without the Pulumi CLI. Knows Pulumi only; see docs/rehearsal.md.

>>> from rehearsal import render
>>> rendering = render(Path("."), "dev", {"project:key": "value"})
"""

from rehearsal.api import RenderedResource, Rendering, render
from rehearsal.backend import UNKNOWN
from rehearsal.errors import ExitCode, RehearsalError

__all__ = ["UNKNOWN", "ExitCode", "RehearsalError", "RenderedResource", "Rendering", "render"]
