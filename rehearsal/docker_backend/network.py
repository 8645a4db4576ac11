"""`docker:index/network:Network`."""

from collections.abc import Mapping
from typing import Any, ClassVar

from docker.types import IPAMConfig, IPAMPool

from rehearsal.backend import Existing, Log, Properties, ResourceFailedError
from rehearsal.docker_backend.connection import GoneError, docker_errors
from rehearsal.docker_backend.kind import Kind
from rehearsal.docker_backend.release import delete_when_free
from rehearsal.docker_backend.schema import (
    FLAG,
    LABELS,
    TEXT,
    TEXT_MAP,
    Field,
    Fields,
    label_map,
    objects,
)

POOL = {"subnet": TEXT, "ipRange": TEXT, "gateway": TEXT, "auxAddress": TEXT_MAP}


class NetworkKind(Kind):
    """A network. Its id is Docker's; every change replaces it."""

    token = "docker:index/network:Network"
    fields: ClassVar[Fields] = {
        "name": TEXT,
        "driver": Field(str, keeps=True),
        "internal": Field(bool, keeps=True),
        "attachable": FLAG,
        "ingress": FLAG,
        "ipv6": FLAG,
        "labels": LABELS,
        "options": Field(str, "map", keeps=True),
        "ipamDriver": Field(str, default="default"),
        "ipamOptions": TEXT_MAP,
        "ipamConfigs": objects(POOL, keeps=True),
    }

    def create(self, urn: str, inputs: Properties, log: Log) -> Existing:
        """Create; a name that is taken is an error, though Docker itself would allow it."""
        del log
        with docker_errors(f"create network {inputs['name']}"):
            id_ = self.api.create_network(
                inputs["name"],
                driver=inputs.get("driver"),
                options=inputs.get("options"),
                ipam=_ipam(inputs),
                check_duplicate=True,
                internal=inputs.get("internal", False),
                labels=label_map(inputs.get("labels")),
                enable_ipv6=inputs.get("ipv6", False),
                attachable=inputs.get("attachable"),
                ingress=inputs.get("ingress"),
            )["Id"]
        made = self.read(id_, self.own_outputs(urn, inputs))
        if made is None:
            raise ResourceFailedError(f"Network {inputs['name']} went away as it was made. Run again.")
        return made

    def find(self, inputs: Properties) -> str | None:
        """The network of this name and these labels."""
        with docker_errors(f"look for network {inputs['name']}"):
            for seen in self.api.networks(names=[inputs["name"]]):
                labels = label_map(inputs.get("labels")).items()
                if seen["Name"] == inputs["name"] and labels <= (seen.get("Labels") or {}).items():
                    return str(seen["Id"])
        return None

    def read(self, id_: str, known: Mapping[str, Any]) -> Existing | None:
        """The network as it is, or None."""
        try:
            with docker_errors(f"read network {id_}"):
                seen = self.api.inspect_network(id_)
        except GoneError:
            return None
        inputs = self.inputs_in(known)
        missing = {
            "driver": seen["Driver"],
            "internal": seen["Internal"],
            "options": seen.get("Options") or {},
            "ipamConfigs": [_pool(each) for each in (seen.get("IPAM") or {}).get("Config") or []],
        }
        observed = {"name": seen["Name"], "scope": seen["Scope"]}
        return Existing(id_, self.outputs_of(known, inputs, missing, observed), inputs)

    def delete(self, id_: str, outputs: Mapping[str, Any], log: Log) -> None:
        """Delete, or name the containers that are still attached."""
        name = outputs.get("name", id_)
        delete_when_free(
            f"network {name}",
            lambda: self.api.remove_network(id_),
            lambda: self._attached(id_, name),
            log,
        )

    def _attached(self, id_: str, name: str) -> str:
        with docker_errors(f"read network {name}"):
            endpoints = self.api.inspect_network(id_).get("Containers") or {}
        names = sorted(each["Name"] for each in endpoints.values())
        return (
            f"{', '.join(names) or 'something'} is still attached. Remove it or run "
            f"`docker network disconnect -f {name} <container>`, then run again."
        )


def _ipam(inputs: Properties) -> IPAMConfig | None:
    if not inputs.keys() & {"ipamDriver", "ipamOptions", "ipamConfigs"}:
        return None
    pools = [
        IPAMPool(
            subnet=each.get("subnet"),
            iprange=each.get("ipRange"),
            gateway=each.get("gateway"),
            aux_addresses=each.get("auxAddress"),
        )
        for each in inputs.get("ipamConfigs", [])
    ]
    return IPAMConfig(inputs.get("ipamDriver", "default"), pools, inputs.get("ipamOptions"))


def _pool(seen: Mapping[str, Any]) -> Properties:
    names = {"Subnet": "subnet", "IPRange": "ipRange", "Gateway": "gateway"}
    found = {names[key]: seen[key] for key in names if seen.get(key)}
    aux = seen.get("AuxiliaryAddresses")
    return {**found, **({"auxAddress": aux} if aux else {})}
