"""Whether the Secret is there that a gateway ends TLS with, asked before an update.

A gateway that runs takes its new config over at once. With a certificate that never comes its new pod would
never be ready, and the old one refuse every change.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx

from catalog.errors import KitError
from ops.cluster_questions import asking
from ops.kubectl import Kubectl
from ops.say import step
from rehearsal.kubernetes_backend.cluster import Cluster
from rehearsal.kubernetes_backend.connection import ApiError
from rehearsal.kubernetes_backend.manifest import Kind, Ref

TYPE, KEYS = "kubernetes.io/tls", ("tls.crt", "tls.key")
"""https://kubernetes.io/docs/concepts/configuration/secret/#tls-secrets"""


@dataclass(frozen=True)
class TlsSecret:
    """A Secret of a stack's namespace."""

    name: str
    stack: str
    control: Kubectl
    """For the stack's namespace."""
    say: Callable[[str], None] = step
    """Told where it could not be asked."""

    @property
    def namespace(self) -> str:
        """Where it is to be."""
        return self.control.namespace or "default"

    def check(self) -> None:
        """Refuse what has no certificate. Raises KitError that names it, HostError where nobody answers.

        Who may not read it is not refused.
        """
        whether = f"namespace {self.namespace} has the Secret {self.name}"
        with asking(whether, self.control.kubeconfig, self.control.context, self.say) as cluster:
            try:
                self._check(cluster)
            except ApiError as error:
                if error.code != httpx.codes.FORBIDDEN:
                    raise
                self.say(f"not asked whether {whether}: {error}")

    def _check(self, cluster: Cluster) -> None:
        make = self.control.shown(
            "create", "secret", "tls", self.name, "--cert=fullchain.pem", "--key=privkey.pem"
        )
        found = cluster.get(Ref(Kind("v1", "Secret"), self.namespace, self.name))
        if found is None and cluster.get(Ref(Kind("v1", "Namespace"), "", self.namespace)) is None:
            space = replace(self.control, namespace=None).shown("create", "namespace", self.namespace)
            raise self._refusal(
                f"its namespace {self.namespace} is not there yet",
                f"First `make up STACK={self.stack}` without loadBalancer, or `{space}`; then `{make}`.",
            )
        if found is None:
            raise self._refusal(f"namespace {self.namespace} has no such Secret", f"Make it: `{make}`.")
        # Names alone: nothing of what is under them is looked at, or told.
        held = {key for key, value in (found.get("data") or {}).items() if value}
        missing = [key for key in KEYS if key not in held]
        problem = f"it has no {' and no '.join(missing)}" if missing else f"it is of type {found.get('type')}"
        if missing or found.get("type") != TYPE:
            raise self._refusal(
                f"{problem}, and is to be of type {TYPE} with {' and '.join(KEYS)}",
                f"Name another, or delete it and make it anew: `{make}`.",
            )

    def _refusal(self, limit: str, next_step: str) -> KitError:
        return KitError(f"kubernetes.loadBalancer.tlsSecret {self.name!r}", limit, next_step)
