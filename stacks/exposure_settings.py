"""How people outside a cluster reach its gateway: always with TLS, as keys pass."""

import ipaddress
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from catalog.errors import KitError
from components.address_range import check_range
from components.controller_annotations import CLUSTER_ISSUER, INTERNAL, ISSUER
from stacks.base import Settings

NAME = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
HOST = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
NAMESPACE = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
Name = Annotated[str, Field(pattern=NAME)]
SETTINGS = {
    CLUSTER_ISSUER: "clusterIssuer",
    ISSUER: "issuer",
    INTERNAL: "internal (of loadBalancer)",
}
"""Annotations that a setting stands for: said twice, one would undo the other without a word."""


def _is_no_address(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    raise KitError(
        f"host {host!r}",
        "is an address; the certificate is of a DNS name",
        "Give the name that leads there, e.g. models.example.com.",
    )


def _leaves_settings_alone(annotations: Mapping[str, str]) -> Mapping[str, str]:
    for key, setting in SETTINGS.items():
        if key in annotations:
            raise KitError(f"annotation {key}", "is what a setting makes", f"Remove it, and set {setting}.")
    return annotations


class Certified(Settings):
    """A DNS name, and where its certificate is from: exactly one of tlsSecret, clusterIssuer and issuer."""

    host: Annotated[str, Field(pattern=HOST, max_length=253), AfterValidator(_is_no_address)]
    """DNS name by which people ask, e.g. models.example.com. Who runs the zone leads it there."""
    tls_secret: Name | None = None
    """Secret of type kubernetes.io/tls in the stack's namespace, which somebody else keeps fresh."""
    cluster_issuer: Name | None = None
    """ClusterIssuer of cert-manager, which makes the certificate and renews it."""
    issuer: Name | None = None
    """Issuer of cert-manager in the stack's namespace."""
    annotations: Annotated[Mapping[str, str], AfterValidator(_leaves_settings_alone)] = {}
    """Further annotations of the Ingress or the Service, for its controller; not those that settings make
    (`SETTINGS`). Default: none."""

    @model_validator(mode="after")
    def _has_a_certificate(self) -> "Certified":
        given = [name for name in (self.tls_secret, self.cluster_issuer, self.issuer) if name]
        if len(given) != 1:
            raise KitError(
                f"the way in by {self.host}",
                "keys would travel in the clear" if not given else "its certificate is said more than once",
                "Give one of tlsSecret, clusterIssuer and issuer.",
            )
        return self


class IngressSettings(Certified):
    """The gateway behind a controller for Ingress that the cluster has. `host` leads to the controller.

    A controller has limits of its own, which `annotations` or its own configuration must raise to those of
    the gateway (components/gateway/types.py): an answer may take 600 s, a request may have 1 MiB, and what is
    streamed must not be kept back.
    """

    class_name: Name
    """IngressClass of the controller: `kubectl get ingressclass`."""
    controller_namespace: Annotated[str, Field(pattern=NAMESPACE)]
    """Where the controller's pods run: they, and no others, are let in to the gateway."""


class LoadBalancerSettings(Certified):
    """The gateway behind a Service of type LoadBalancer, port 443. It ends TLS itself."""

    ranges: tuple[str, ...] = ()
    """Addresses (CIDR) that may ask, at least one. 0.0.0.0/0 is everybody: then keys are the only guard."""
    internal: bool = False
    """Whether its address is one of the cluster's network, by Azure's annotation. For another cloud put its
    own into `annotations`. Default: a public address."""

    @model_validator(mode="after")
    def _says_who_may_ask(self) -> "LoadBalancerSettings":
        if not self.ranges:
            raise KitError(
                f"the load balancer for {self.host}",
                "who may ask is not said",
                'Give `ranges`, e.g. ["203.0.113.0/24"]; ["0.0.0.0/0"] is everybody who has a key.',
            )
        for each in self.ranges:
            check_range(each)
        return self
