"""What a Container is now: outputs, and inputs where it has drifted from them."""

from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.backend import Properties
from rehearsal.docker_backend.container_inputs import CONTAINER
from rehearsal.docker_backend.difference import canonical
from rehearsal.docker_backend.units import MIB, nano_cpus

Seen = Mapping[str, Any]


def _swap(host: Seen) -> int:
    swap = int(host["MemorySwap"])
    return swap // MIB if swap > 0 else swap


DRIFTS: dict[str, Callable[[Seen], Any]] = {
    "restart": lambda host: host["RestartPolicy"]["Name"],
    "maxRetryCount": lambda host: host["RestartPolicy"]["MaximumRetryCount"],
    "memory": lambda host: host["Memory"] // MIB,
    "memoryReservation": lambda host: host["MemoryReservation"] // MIB,
    "cpuShares": lambda host: host["CpuShares"],
    "cpuSet": lambda host: host["CpusetCpus"],
}
"""What `docker update` can change behind our back."""


def drifted_inputs(seen: Seen, inputs: Properties) -> Properties:
    """`inputs` as they would have to be to describe the container that was seen."""
    host, state = seen["HostConfig"], seen["State"]
    found = {**inputs, **_drifts(host, inputs)}
    if "memorySwap" in inputs:
        # Without the input the engine picks twice the memory, which is no drift.
        found["memorySwap"] = _swap(host)
    if "cpus" in inputs and nano_cpus(inputs["cpus"]) != host["NanoCpus"]:
        found["cpus"] = f"{host['NanoCpus'] / 10**9:g}"
    if inputs.get("image", "").startswith("sha256:"):
        found["image"] = seen["Image"]
    if not state["Running"] and inputs.get("mustRun", True) and inputs.get("start", True):
        # As the provider: an update then starts it again.
        found["mustRun"] = False
    return found


def _drifts(host: Seen, inputs: Properties) -> Properties:
    now = {key: look(host) for key, look in DRIFTS.items()}
    return {
        key: value
        for key, value in now.items()
        if canonical(CONTAINER[key], value) != canonical(CONTAINER[key], inputs.get(key))
    }


def filled_in(seen: Seen) -> Properties:
    """What the engine and the image say where the program does not."""
    config, host = seen["Config"], seen["HostConfig"]
    return {
        "hostname": config["Hostname"],
        "command": config["Cmd"] or [],
        "entrypoints": config["Entrypoint"] or [],
        "logDriver": host["LogConfig"]["Type"],
        "shmSize": host["ShmSize"] // MIB,
        "runtime": host["Runtime"],
        "ipcMode": host["IpcMode"],
    }


def observed(seen: Seen) -> Properties:
    """Outputs that only the engine knows."""
    settings, state = seen["NetworkSettings"], seen["State"]
    found: Properties = {
        "name": seen["Name"].lstrip("/"),
        "bridge": settings.get("Bridge", ""),
        "networkDatas": _networks(settings),
    }
    if not state["Running"]:
        found["exitCode"] = state["ExitCode"]
    return found


def picked_ports(seen: Seen, inputs: Properties) -> Properties:
    """`ports` with the host ports that the engine picked; nothing where it picked none."""
    asked = inputs.get("ports", [])
    told = [_port(each, seen["NetworkSettings"].get("Ports") or {}) for each in asked]
    return {} if told == asked else {"ports": told}


def _networks(settings: Seen) -> list[Properties]:
    return [
        {
            "networkName": name,
            "ipAddress": each["IPAddress"],
            "ipPrefixLength": each["IPPrefixLen"],
            "gateway": each["Gateway"],
            "globalIpv6Address": each["GlobalIPv6Address"],
            "globalIpv6PrefixLength": each["GlobalIPv6PrefixLen"],
            "ipv6Gateway": each["IPv6Gateway"],
            "macAddress": each["MacAddress"],
        }
        for name, each in sorted((settings.get("Networks") or {}).items())
    ]


def _port(asked: Properties, bound: Seen) -> Properties:
    bindings = bound.get(f"{asked['internal']}/{asked.get('protocol', 'tcp')}") or []
    address = asked.get("ip", "0.0.0.0")
    picked = [int(each["HostPort"]) for each in bindings if each["HostIp"] == address]
    if asked.get("external") or not picked:
        return asked
    return {**asked, "external": picked[0]}
