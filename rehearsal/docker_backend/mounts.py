"""Mounts and volumes of a Container in the words of the Docker API."""

from typing import Any

from rehearsal.backend import Properties
from rehearsal.docker_backend.schema import label_map


def mount(given: Properties) -> dict[str, Any]:
    """One entry of `mounts`; the options of another type than its own are ignored."""
    made: dict[str, Any] = {
        "Type": given["type"],
        "Target": given["target"],
        "Source": given.get("source", ""),
        "ReadOnly": given.get("readOnly", False),
    }
    if given["type"] == "bind" and "bindOptions" in given:
        made["BindOptions"] = {"Propagation": given["bindOptions"].get("propagation", "")}
    if given["type"] == "volume" and "volumeOptions" in given:
        made["VolumeOptions"] = _volume_options(given["volumeOptions"])
    if given["type"] == "tmpfs" and "tmpfsOptions" in given:
        options = given["tmpfsOptions"]
        made["TmpfsOptions"] = {
            "SizeBytes": options.get("sizeBytes", 0),
            "Mode": options.get("mode", 0),
        }
    return made


def _volume_options(given: Properties) -> dict[str, Any]:
    return {
        "NoCopy": given.get("noCopy", False),
        "Labels": label_map(given.get("labels")),
        "DriverConfig": {
            "Name": given.get("driverName", ""),
            "Options": given.get("driverOptions", {}),
        },
    }


def binds(volumes: list[Properties]) -> list[str]:
    """Named volumes and host paths as `source:path:mode`."""
    return [_bind(each) for each in volumes if _source(each)]


def _bind(volume: Properties) -> str:
    mode = "ro" if volume.get("readOnly") else "rw"
    relabel = volume.get("selinuxRelabel")
    return f"{_source(volume)}:{volume['containerPath']}:{mode}" + (f",{relabel}" if relabel else "")


def _source(volume: Properties) -> str:
    return str(volume.get("hostPath") or volume.get("volumeName") or "")


def declared_volumes(volumes: list[Properties]) -> dict[str, dict[str, str]]:
    """Every path that is a volume; one without a source becomes an anonymous volume."""
    return {each["containerPath"]: {} for each in volumes if each.get("containerPath")}


def volumes_from(volumes: list[Properties]) -> list[str]:
    """Containers whose volumes are taken over."""
    return [each["fromContainer"] for each in volumes if each.get("fromContainer")]


def misplaced(volumes: list[Properties]) -> str | None:
    """What is wrong with the first entry that says where neither or twice."""
    for at, each in enumerate(volumes):
        if bool(each.get("fromContainer")) == bool(each.get("containerPath")):
            return f"volumes[{at}] needs exactly one of containerPath and fromContainer"
    return None
