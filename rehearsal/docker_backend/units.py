"""Units of the provider's inputs in those of the Docker API."""

import re
from decimal import Decimal

MIB = 1024 * 1024

NANOSECONDS = {
    "ns": Decimal(1),
    "us": Decimal(10**3),
    "µs": Decimal(10**3),
    "ms": Decimal(10**6),
    "s": Decimal(10**9),
    "m": Decimal(60 * 10**9),
    "h": Decimal(3600 * 10**9),
}


def nanoseconds(duration: str) -> int:
    """A Go duration such as `1m30s` or `500ms`.

    >>> nanoseconds("1m30s")
    90000000000
    """
    parts = re.findall(r"([0-9.]+)(ns|us|µs|ms|s|m|h)", duration)
    return int(sum(Decimal(number) * NANOSECONDS[unit] for number, unit in parts))


def nano_cpus(cpus: str) -> int:
    """CPUs as a decimal text, at most nine places, in billionths.

    >>> nano_cpus("0.5")
    500000000
    """
    return int(Decimal(cpus) * 10**9)


def mib(size: int) -> int:
    """MiB in bytes; -1 (no limit) and 0 (not set) stay what they are."""
    return size * MIB if size > 0 else size


def gpu_request(gpus: str) -> dict[str, object]:
    """`all`, a number, or `device=0,1` as the engine's device request.

    >>> gpu_request("device=0,1")["DeviceIDs"]
    ['0', '1']
    """
    text = gpus.strip("\"'")
    request: dict[str, object] = {"Driver": "", "Capabilities": [["gpu"]]}
    if text == "all":
        return {**request, "Count": -1}
    if text.startswith("device="):
        return {**request, "Count": 0, "DeviceIDs": text.removeprefix("device=").split(",")}
    return {**request, "Count": int(text.removeprefix("count="))}
