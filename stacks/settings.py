"""Stack settings: typed, frozen, checked as a whole before the first resource.

Names are camelCase in Pulumi config and snake_case here. A misspelt key, a value out of bounds or
a combination that cannot work is refused with the value, the limit and the next step.
"""

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    model_validator,
)

from catalog.errors import KitError
from catalog.hardware import find as find_hardware
from components.open_webui import KEY_ID as OPEN_WEBUI_KEY
from stacks.base import Settings
from stacks.kubernetes_settings import KubernetesSettings
from stacks.model_settings import KeySettings, ModelSettings, OpenWebuiSettings
from stacks.monitoring_settings import MonitoringSettings
from stacks.scaling_settings import AutoscalingSettings

NAMESPACE = "slm-kit"


def _address(value: str) -> str:
    ipaddress.ip_address(value)
    return value


class StackSettings(Settings):
    """Everything config can say about a stack that serves on Docker."""

    target: str
    models: Annotated[tuple[ModelSettings, ...], Field(min_length=1)]
    keys: Annotated[tuple[KeySettings, ...], Field(min_length=1)]
    runner: Literal["pulumi", "rehearsal"] | None = None
    """Who runs this stack; read by `make`, which refuses another one."""
    images: Literal["upstream", "build"] = "upstream"
    image_base: str | None = None
    """Base of the kit's own images. Default: Debian, pulled or made here, as `images` says."""
    build_base: str | None = None
    """Base of build stages. Default: image_base; `make up` writes one of its own where this machine
    needs authorities, a proxy or an index mirror."""
    engine_cpus: Annotated[float, Field(gt=0)] | None = None
    """Processors of the Docker engine; no container gets more. `make up` writes it."""
    engine_memory_mib: Annotated[int, Field(gt=0)] | None = None
    """Memory of the Docker engine; what does not fit is refused. `make up` writes it."""
    hardware: str | None = None
    """The machine's GPU by its name in catalog/hardware.yaml. Default: it has none."""
    hardware_gpus: Annotated[int, Field(ge=1, le=16)] = 1
    """How many of it the machine has."""
    model_source: Literal["hf", "https", "pypi", "file", "oci"] = "hf"
    model_folder: str | None = None
    certificate_authorities: Path | None = None
    gateway_address: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    gateway_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    open_webui: OpenWebuiSettings | None = None
    """Default: no such page."""
    monitoring: MonitoringSettings = MonitoringSettings()
    """Default: on."""
    kubernetes: KubernetesSettings | None = None
    """Where target `kubernetes` runs; no other target has it."""
    autoscaling: AutoscalingSettings = AutoscalingSettings()
    """What the cluster has for scaling; only where `kubernetes` is set."""

    @model_validator(mode="after")
    def _hangs_together(self) -> "StackSettings":
        names = [name for model in self.models for name in model.public_names]
        ids = [key.id for key in self.keys]
        for what, values in (("model", names), ("key id", ids)):
            twice = {value for value in values if values.count(value) > 1}
            if twice:
                raise KitError(
                    f"{what} {min(twice)!r}",
                    "is listed twice",
                    "List it once in the stack config.",
                )
        for key in self.keys:
            unknown = set(key.models) - {"*", *names}
            if unknown:
                raise KitError(
                    f"model {min(unknown)!r} of key {key.id!r}",
                    f"this stack serves {', '.join(names)}",
                    'Name one of these, or "*" for all.',
                )
        self._source_is_complete()
        self._page_can_be_had(ids)
        self._monitoring_can_be_had()
        self._has_no_way_around_its_tls()
        if self.hardware is not None and find_hardware(self.hardware).kind != "gpu":
            raise KitError(
                f"hardware {self.hardware!r}",
                "is no GPU; processors and memory are those of the Docker engine",
                "Name the machine's GPU, or remove the setting.",
            )
        return self

    def _page_can_be_had(self, key_ids: Sequence[str]) -> None:
        if self.open_webui is None:
            return
        if self.images != "upstream":
            raise KitError(
                "openWebui",
                f"its image must be pulled, and images is {self.images!r}",
                "Remove openWebui, or set slm-kit:images upstream where an image registry answers.",
            )
        if OPEN_WEBUI_KEY in key_ids:
            raise KitError(f"key id {OPEN_WEBUI_KEY!r}", "is the page's own", "Give your key another id.")
        if self.open_webui.port == self.gateway_port:
            raise KitError(
                f"openWebui.port {self.open_webui.port}", "is the gateway's port", "Choose another."
            )

    def _monitoring_can_be_had(self) -> None:
        if self.monitoring.grafana and self.images != "upstream":
            raise KitError(
                "monitoring.grafana",
                f"its image must be pulled, and images is {self.images!r}",
                "Remove it, or set slm-kit:images upstream where an image registry answers.",
            )
        taken = {self.gateway_port: "the gateway's port"}
        if self.open_webui is not None:
            taken[self.open_webui.port] = "Open WebUI's port"
        for name, port in self.monitored_ports.items():
            if port in taken:
                raise KitError(f"monitoring.ports.{name} {port}", f"is {taken[port]}", "Choose another.")

    def _has_no_way_around_its_tls(self) -> None:
        cluster = self.kubernetes
        if cluster is None or (cluster.ingress is None and cluster.load_balancer is None):
            return
        if not ipaddress.ip_address(self.gateway_address).is_loopback:
            raise KitError(
                f"gatewayAddress {self.gateway_address}",
                "lets every address ask without TLS, past the ingress or loadBalancer",
                "Remove it: these need no such address.",
            )

    @property
    def monitored_ports(self) -> dict[str, int]:
        """Ports on 127.0.0.1 by part, which is also the setting's name; Grafana's only where it runs."""
        if not self.monitoring.enabled:
            return {}
        ports = self.monitoring.ports
        found = {name: getattr(ports, name) for name in ("prometheus", "alertmanager", "collector")}
        wanted = self.images == "upstream" if self.monitoring.grafana is None else self.monitoring.grafana
        return {**found, "grafana": ports.grafana} if wanted else found

    @property
    def hosted(self) -> tuple[ModelSettings, ...]:
        """Models that an engine of the stack serves."""
        return tuple(model for model in self.models if model.engine != "external")

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of all keys: those of `keys`, and the one of the chat page."""
        page = () if self.open_webui is None else (OPEN_WEBUI_KEY,)
        return (*(key.id for key in self.keys), *page)

    def _source_is_complete(self) -> None:
        if self.model_source == "file" and self.model_folder is None:
            raise KitError(
                "modelSource 'file'",
                "needs the folder that holds the files",
                "Set slm-kit:modelFolder to an absolute path on the Docker host.",
            )
        authorities = self.certificate_authorities
        if authorities is not None and not authorities.is_file():
            raise KitError(
                f"certificateAuthorities {str(authorities)!r}",
                "is not a file on this machine",
                "Name a PEM file, or remove the key from the stack config.",
            )
