"""How people outside a cluster reach its gateway."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from catalog.errors import KitError
from stacks.base import Settings

NAME = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
HOST = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
NAMESPACE = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
Name = Annotated[str, Field(pattern=NAME)]


class IngressSettings(Settings):
    """The gateway behind a controller for Ingress that the cluster has. Always with TLS, as keys pass.

    A controller has limits of its own, which `annotations` or its own configuration must raise to those of
    the gateway (components/gateway/types.py): an answer may take 600 s, a request may have 1 MiB, and what is
    streamed must not be kept back.
    """

    host: Annotated[str, Field(pattern=HOST, max_length=253)]
    """DNS name that leads to the controller, e.g. models.example.com."""
    class_name: Name
    """IngressClass of the controller: `kubectl get ingressclass`."""
    controller_namespace: Annotated[str, Field(pattern=NAMESPACE)]
    """Where the controller's pods run: they, and no others, are let in to the gateway."""
    tls_secret: Name | None = None
    """Secret of type kubernetes.io/tls in the stack's namespace, which somebody else keeps fresh."""
    cluster_issuer: Name | None = None
    """ClusterIssuer of cert-manager, which makes the certificate and renews it."""
    issuer: Name | None = None
    """Issuer of cert-manager in the stack's namespace."""
    annotations: Mapping[str, str] = {}
    """Further annotations of the Ingress, for the controller. Default: none."""

    @model_validator(mode="after")
    def _has_a_certificate(self) -> "IngressSettings":
        given = [name for name in (self.tls_secret, self.cluster_issuer, self.issuer) if name]
        if len(given) != 1:
            raise KitError(
                f"ingress for {self.host}",
                "keys would travel in the clear" if not given else "its certificate is said more than once",
                "Give one of tlsSecret, clusterIssuer and issuer.",
            )
        return self
