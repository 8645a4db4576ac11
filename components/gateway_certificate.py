"""A gateway's certificate, which cert-manager makes and renews."""

from typing import Any, Literal, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from components.platforms.kubernetes_names import STACK_LABEL, dns_label


class GatewayCertificateArgs(TypedDict):
    """For whom, and by whom."""

    namespace: pulumi.Input[str]
    stack: str
    """Value of the label `slm-kit.stack`."""
    host: str
    secret: str
    """Name of the Secret that cert-manager puts it into."""
    issuer: str
    issuer_kind: Literal["Issuer", "ClusterIssuer"]


class GatewayCertificate(pulumi.ComponentResource):
    """A Certificate of cert-manager; `secret` has tls.crt and tls.key once it was issued.

    Nobody waits for that but the pods that mount it. cert-manager must be there.
    """

    secret: pulumi.Output[str]

    def __init__(
        self, name: str, args: GatewayCertificateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slm:index:GatewayCertificate", name, {}, opts)
        made = k8s.apiextensions.CustomResource(
            name,
            api_version="cert-manager.io/v1",
            kind="Certificate",
            metadata={
                "namespace": args["namespace"],
                "labels": {STACK_LABEL: dns_label(args["stack"])},
            },
            spec=_spec(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        # Pods that mount it are made after it, or it would never come while somebody waits for them.
        self.secret = made.urn.apply(lambda _: args["secret"])
        self.register_outputs({"secret": self.secret})


def _spec(args: GatewayCertificateArgs) -> dict[str, Any]:
    """https://cert-manager.io/docs/reference/api-docs/#cert-manager.io/v1.CertificateSpec"""
    return {
        "secretName": args["secret"],
        "dnsNames": [args["host"]],
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "issuerRef": {"group": "cert-manager.io", "kind": args["issuer_kind"], "name": args["issuer"]},
    }
