"""Asks the stack's Loki, which publishes no port, from inside its network."""

import json
from typing import Any

from monitoring.watched import ADDRESSES
from tests.stack.rig import MODEL, Stack, docker

SCRIPT = f"""
import sys
from urllib.parse import urlencode
from urllib.request import urlopen
asked = urlencode({{"query": sys.argv[1], "since": "1h", "limit": 1000}})
print(urlopen("http://{ADDRESSES.loki}/loki/api/v1/query_range?" + asked).read().decode())
"""


def logs(stack: Stack, query: str) -> list[dict[str, Any]]:
    """Streams that Loki has for a query, of the last hour."""
    image = docker("inspect", "-f", "{{.Image}}", stack.containers(MODEL)[0]).strip()
    listed = docker("network", "ls", "--format", "{{.Name}}", "--filter", f"label=slm-kit.stack={stack.name}")
    network = next(name for name in listed.split() if "monitoring" in name)
    said = docker("run", "--rm", "--network", network, "--entrypoint", "python", image, "-c", SCRIPT, query)
    found: list[dict[str, Any]] = json.loads(said)["data"]["result"]
    return found
