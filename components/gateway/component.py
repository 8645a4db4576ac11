"""The one published way to a model: HAProxy with the kit's configuration."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi

from components.gateway.config import GatewayLimits, Route, render
from components.gateway.types import METRICS_PORT, PUBLIC_PORT
from components.gateway.upstreams import (
    CREDENTIALS,
    needs_credentials,
    render_credentials,
)
from components.platform import Platform
from components.secrets import ApiKeys
from components.workload import Probe, Publish, Resources, Workload


class GatewayArgs(TypedDict):
    """What the gateway lets through, to whom, and where it listens."""

    platform: Platform
    image: pulumi.Input[str]
    """Image of docker/gateway."""
    routes: Sequence[Route]
    keys: ApiKeys
    limits: GatewayLimits
    address: str
    """Address of the machine to publish on."""
    port: int
    """Port of the machine, 1 to 65535."""
    credentials: NotRequired[pulumi.Input[Mapping[str, str]]]
    """Model id to the credential of its external endpoint, secret. Default: none."""
    authorities: NotRequired[str]
    """The stack's own authorities, in PEM, for external endpoints that name them. Default: none."""
    collector: NotRequired[str]
    """host:port that takes the log over TCP. Default: the platform hands on what the gateway writes."""
    certificate: NotRequired[pulumi.Input[str]]
    """Secret of the platform's own with tls.crt and tls.key: with it, TLS_PORT speaks TLS. A renewed one is
    taken over as it comes, and a broken one is not. Default: none."""


class Gateway(pulumi.ComponentResource):
    """Keys, allowlist, routing, queue and limits in front of every engine.

    It knows engines by name only and reloads its own files, so adding a key or a model neither
    replaces nor stops it. `endpoint` is the base URL for OpenAI clients.
    """

    endpoint: pulumi.Output[str]

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slm:index:Gateway", name, {}, opts)
        config = render(
            args["routes"],
            args["keys"].grants,
            args["limits"],
            args.get("authorities"),
            args.get("collector"),
            encrypted="certificate" in args,
        )
        args["platform"].run(
            name,
            Workload(
                image=args["image"],
                resources=Resources(memory_mib=args["limits"].memory_mib, cpus=1),
                config_files=config,
                secret_files=_secret_files(args),
                certificate=args.get("certificate"),
                reloads=True,
                config_check=("gateway-check",),
                alias=name,
                ports=(PUBLIC_PORT, METRICS_PORT),
                needs_egress=any(route.external for route in args["routes"]),
                # Always, so that the first route to this machine does not replace the gateway.
                host_machine=True,
                publish=(Publish(PUBLIC_PORT, args["port"], args["address"]),),
                # The public port can be full of clients; the gateway is well all the same.
                readiness=Probe("/healthz", METRICS_PORT, ("gateway-probe",), start_seconds=60, http=True),
                writable={"/run/slm": 8},
                drain_seconds=int(args["limits"].drain_s),
                metrics_path="/metrics",
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.endpoint = pulumi.Output.from_input(endpoint_of(args["address"], args["port"]))
        self.register_outputs({"endpoint": self.endpoint})


def endpoint_of(address: str, port: int) -> str:
    """Base URL for clients on the machine whose `address` the gateway's port is published on."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


def _secret_files(args: GatewayArgs) -> dict[str, pulumi.Input[str]]:
    files: dict[str, pulumi.Input[str]] = {"keys.map": args["keys"].hashes}
    routes = args["routes"]
    if needs_credentials(routes):
        given = pulumi.Output.secret(args.get("credentials", {}))
        files[CREDENTIALS] = given.apply(lambda credentials: render_credentials(routes, credentials))
    return files
