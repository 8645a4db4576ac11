"""What Azure refuses, refused here first: names, bounds and pairs of the REST reference.

Patterns: Microsoft.ContainerService 2025-09-01 (managedClusters, agentPools); for the others "Naming rules
and restrictions for Azure resources" of learn.microsoft.com.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from catalog.errors import KitError

NAMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "cluster": (
            r"[a-zA-Z0-9]([-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?",
            "1 to 63 letters, digits, - and _, with a letter or digit at both ends",
        ),
        "dnsPrefix": (
            r"[a-zA-Z0-9]([-a-zA-Z0-9]{0,52}[a-zA-Z0-9])?",
            "1 to 54 letters, digits and -, with a letter or digit at both ends",
        ),
        "pool": (r"[a-z][a-z0-9]{0,11}", "1 to 12 small letters and digits, a letter first"),
        "registry": (r"[a-zA-Z0-9]{5,50}", "5 to 50 letters and digits"),
        "vault": (
            r"(?!.*--)[a-zA-Z][-a-zA-Z0-9]{1,22}[a-zA-Z0-9]",
            "3 to 24 letters, digits and single -, a letter first, no - at the end",
        ),
        "secret": (r"[-a-zA-Z0-9]{1,127}", "1 to 127 letters, digits and -"),
        "namespace": (
            r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
            "1 to 63 small letters, digits and -, with a letter or digit at both ends",
        ),
    }
)
MOST_RANGES = 200
"""learn.microsoft.com/azure/aks/api-server-authorized-ip-ranges, limitations."""
INSIDE = tuple(
    ipaddress.IPv4Network(each)
    for each in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    )
)  # fmt: skip
"""Addresses that nobody has on the Internet: RFC 1918, 6598, 1122, 3927."""


def check_name(kind: str, name: str) -> None:
    """Raise KitError for a name that Azure does not take for this kind of thing."""
    pattern, words = NAMES[kind]
    if not re.fullmatch(pattern, name):
        raise KitError(f"{kind} name {name!r}", f"Azure takes {words}", "Choose another name.")


def check_api_server(private: bool, ranges: Sequence[str]) -> None:
    """Private, or public for some addresses only. Raises KitError for both, neither, or everybody."""
    if private and ranges:
        raise KitError(
            "apiServer.authorizedRanges",
            "a private API server takes none",
            "Remove them, or set apiServer.private to false.",
        )
    if not private and not ranges:
        raise KitError(
            "apiServer without authorizedRanges",
            "a public API server that everybody reaches is not made",
            "List the ranges that operators come from (CIDR), or set apiServer.private to true.",
        )
    if len(ranges) > MOST_RANGES:
        raise KitError(
            f"{len(ranges)} apiServer.authorizedRanges", f"Azure takes {MOST_RANGES}", "Join some of them."
        )
    for each in ranges:
        _check_range(each)


def _check_range(text: str) -> None:
    try:
        found = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise KitError(
            f"range {text!r}", f"is no IPv4 network ({error})", "Write it as 203.0.113.0/24."
        ) from error
    if found.prefixlen < 8:
        raise KitError(
            f"range {text}",
            f"lets {found.num_addresses:,} addresses in; the kit takes /8 and smaller",
            "Name the addresses that operators come from.",
        )
    if any(found.overlaps(each) for each in INSIDE):
        raise KitError(
            f"range {text}",
            "is private, and a public API server sees public addresses only",
            "Name the address that your network has outside (NAT), or set apiServer.private to true.",
        )


def check_version(version: str, channel: str) -> None:
    """Raise KitError for a version that Azure's automatic upgrades would leave: AKS never downgrades.

    Channels: learn.microsoft.com/azure/aks/auto-upgrade-cluster. A major.minor holds while they patch it.
    """
    value, minor = f"kubernetesVersion {version}", ".".join(version.split(".")[:2])
    if channel in {"stable", "rapid"}:
        raise KitError(
            f"{value} with maintenance.kubernetes {channel}",
            "that channel goes on to later minor versions, and the next update would ask for an older one",
            "Remove kubernetesVersion, or set maintenance.kubernetes to patch.",
        )
    if channel == "patch" and version != minor:
        raise KitError(
            f"{value} with maintenance.kubernetes patch",
            "that channel takes later patches, and the next update would ask for an older one",
            f"Write {minor}, or set maintenance.kubernetes to node-image or none.",
        )


def check_networks(nodes: str, services: str, pods: str) -> None:
    """Raise KitError where the cluster's three networks are too small, or share addresses."""
    parsed: dict[str, ipaddress.IPv4Network] = {}
    for name, text in (("addressSpace", nodes), ("serviceCidr", services), ("podCidr", pods)):
        try:
            parsed[name] = ipaddress.IPv4Network(text)
        except ValueError as error:
            raise KitError(
                f"{name} {text!r}", f"is no IPv4 network ({error})", "Write it as 10.240.0.0/16."
            ) from error
    if not 8 <= parsed["addressSpace"].prefixlen <= 18:
        raise KitError(f"addressSpace {nodes}", "must be /8 to /18", "Choose a network of that size.")
    if not 12 <= parsed["serviceCidr"].prefixlen <= 28:
        raise KitError(f"serviceCidr {services}", "must be /12 to /28", "Choose a network of that size.")
    names = list(parsed)
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            if parsed[one].overlaps(parsed[other]):
                raise KitError(
                    f"{one} {parsed[one]}", f"overlaps with {other} {parsed[other]}", "Choose another."
                )
