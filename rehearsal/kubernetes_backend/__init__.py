"""Kubernetes objects for the rehearsal engine: server-side apply against an API server, over REST.

Every kind that the server knows is served (`kubernetes:apps/v1:Deployment`, a CustomResource as
`kubernetes:keda.sh/v1alpha1:ScaledObject`); what a kind is called in a path comes from the server's
discovery. Behaviour follows pulumi-kubernetes (read at v4.32): names, ids, the fields whose change
replaces an object (provider/pkg/provider/diff.go), annotations. Known differences, each on purpose:

- unknown and repeated fields are refused (`fieldValidation=Strict`), also in a preview;
- an object that exists already is taken over when a run of ours made it (an interrupted one), where the
  provider refuses it, too; anybody else's only with `upsertExistingObjects`, as with the provider;
- a rollout fails as soon as a new pod cannot start, where the provider waits for its deadline;
- a PersistentVolumeClaim, an Ingress and a Service's endpoints are not waited for: a claim may bind only
  when a pod asks for it, and a model scaled to zero has no endpoints.

REST by httpx and not the `kubernetes` package: apply is one PATCH and discovery one GET, while the
package is large, has no types and reads the kubeconfig in ways that cannot refuse what is not wanted.
"""

from rehearsal.kubernetes_backend.kubernetes_backend import KubernetesBackend
from rehearsal.kubernetes_backend.settings import Settings, settings_of

__all__ = ["KubernetesBackend", "Settings", "settings_of"]
