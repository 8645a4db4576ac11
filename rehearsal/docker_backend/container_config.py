"""A Container's inputs as the body of Docker's `POST /containers/create`."""

from collections.abc import Callable
from typing import Any

from rehearsal.backend import Properties
from rehearsal.docker_backend.mounts import binds, declared_volumes, mount, volumes_from
from rehearsal.docker_backend.schema import label_map
from rehearsal.docker_backend.units import gpu_request, mib, nano_cpus, nanoseconds

Convert = Callable[[Any], Any]


def as_is(value: Any) -> Any:
    """No conversion."""
    return value


def _ports(ports: list[Properties]) -> dict[str, list[dict[str, str]]]:
    bindings: dict[str, list[dict[str, str]]] = {}
    for each in ports:
        # Host port 0: the engine picks one.
        host = {"HostIp": each.get("ip", "0.0.0.0"), "HostPort": str(each.get("external", 0))}
        bindings.setdefault(f"{each['internal']}/{each.get('protocol', 'tcp')}", []).append(host)
    return bindings


def _healthcheck(check: Properties) -> dict[str, Any]:
    return {
        "Test": check.get("tests", []),
        "Interval": nanoseconds(check.get("interval", "0s")),
        "Timeout": nanoseconds(check.get("timeout", "0s")),
        "StartPeriod": nanoseconds(check.get("startPeriod", "0s")),
        "StartInterval": nanoseconds(check.get("startInterval", "0s")),
        "Retries": check.get("retries", 0),
    }


def _device(device: Properties) -> dict[str, str]:
    return {
        "PathOnHost": device["hostPath"],
        "PathInContainer": device.get("containerPath") or device["hostPath"],
        "CgroupPermissions": device.get("permissions", "rwm"),
    }


def _each(convert: Convert) -> Convert:
    return lambda values: [convert(value) for value in values]


CONFIG: dict[str, tuple[str, Convert]] = {
    "image": ("Image", as_is),
    "command": ("Cmd", as_is),
    "entrypoints": ("Entrypoint", as_is),
    "envs": ("Env", as_is),
    "labels": ("Labels", label_map),
    "user": ("User", as_is),
    "workingDir": ("WorkingDir", as_is),
    "hostname": ("Hostname", as_is),
    "domainname": ("Domainname", as_is),
    "tty": ("Tty", as_is),
    "stdinOpen": ("OpenStdin", as_is),
    "stopSignal": ("StopSignal", as_is),
    "stopTimeout": ("StopTimeout", as_is),
    "healthcheck": ("Healthcheck", _healthcheck),
    "ports": ("ExposedPorts", lambda ports: {key: {} for key in _ports(ports)}),
    "volumes": ("Volumes", declared_volumes),
}

HOST_CONFIG: dict[str, tuple[str, Convert]] = {
    "rm": ("AutoRemove", as_is),
    "memory": ("Memory", mib),
    "memoryReservation": ("MemoryReservation", mib),
    "memorySwap": ("MemorySwap", mib),
    "cpuShares": ("CpuShares", as_is),
    "cpuSet": ("CpusetCpus", as_is),
    "cpus": ("NanoCpus", nano_cpus),
    "shmSize": ("ShmSize", mib),
    "ulimits": (
        "Ulimits",
        _each(lambda each: {"Name": each["name"], "Soft": each["soft"], "Hard": each["hard"]}),
    ),
    "gpus": ("DeviceRequests", lambda gpus: [gpu_request(gpus)]),
    "devices": ("Devices", _each(_device)),
    "readOnly": ("ReadonlyRootfs", as_is),
    "privileged": ("Privileged", as_is),
    "securityOpts": ("SecurityOpt", as_is),
    "groupAdds": ("GroupAdd", as_is),
    "ipcMode": ("IpcMode", as_is),
    "pidMode": ("PidMode", as_is),
    "usernsMode": ("UsernsMode", as_is),
    "cgroupnsMode": ("CgroupnsMode", as_is),
    "cgroupParent": ("CgroupParent", as_is),
    "runtime": ("Runtime", as_is),
    "sysctls": ("Sysctls", as_is),
    "storageOpts": ("StorageOpt", as_is),
    "tmpfs": ("Tmpfs", as_is),
    "mounts": ("Mounts", _each(mount)),
    "volumes": ("Binds", binds),
    "networkMode": ("NetworkMode", as_is),
    "ports": ("PortBindings", _ports),
    "publishAllPorts": ("PublishAllPorts", as_is),
    "hosts": ("ExtraHosts", _each(lambda each: f"{each['host']}:{each['ip']}")),
    "dns": ("Dns", as_is),
    "dnsOpts": ("DnsOptions", as_is),
    "dnsSearches": ("DnsSearch", as_is),
}


def container_body(inputs: Properties) -> dict[str, Any]:
    """The whole request body. Networks and uploads come after creation, as with the provider."""
    capabilities = inputs.get("capabilities", {})
    host = {
        **_converted(HOST_CONFIG, inputs),
        "CapAdd": capabilities.get("adds", []),
        "CapDrop": capabilities.get("drops", []),
        # The provider sends false where nothing is said, whatever the daemon's own default.
        "Init": inputs.get("init", False),
        "VolumesFrom": volumes_from(inputs.get("volumes", [])),
        "RestartPolicy": _restart(inputs),
        "LogConfig": {
            "Type": inputs.get("logDriver", ""),
            "Config": inputs.get("logOpts", {}),
        },
    }
    return {**_converted(CONFIG, inputs), "HostConfig": host}


def updates(inputs: Properties) -> dict[str, Any]:
    """What `docker update` is told: arguments of the SDK's `update_container`."""
    memory = inputs.get("memory")
    # Docker refuses memory above the swap limit it picked at creation, which was twice the memory.
    swap = inputs.get("memorySwap", 2 * memory if memory else None)
    return {
        "cpu_shares": inputs.get("cpuShares"),
        "cpuset_cpus": inputs.get("cpuSet"),
        "mem_limit": mib(memory) if memory else None,
        "mem_reservation": mib(inputs.get("memoryReservation", 0)) or None,
        "memswap_limit": mib(swap) if swap else None,
        "restart_policy": _restart(inputs),
    }


def _restart(inputs: Properties) -> dict[str, Any]:
    return {
        "Name": inputs.get("restart", "no"),
        "MaximumRetryCount": inputs.get("maxRetryCount", 0),
    }


def _converted(table: dict[str, tuple[str, Convert]], inputs: Properties) -> dict[str, Any]:
    return {name: convert(inputs[key]) for key, (name, convert) in table.items() if key in inputs}
