"""The connection to a cluster, with the settings that the Kubernetes platform counts on."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes


class ClusterArgs(TypedDict):
    """Which cluster."""

    kubeconfig: NotRequired[pulumi.Input[str]]
    """Path of a kubeconfig, or its content (then a secret). Default: KUBECONFIG, else ~/.kube/config."""
    context: NotRequired[pulumi.Input[str]]
    """Context in the kubeconfig. Default: its current one."""
    identifier: NotRequired[pulumi.Input[str]]
    """Name of the cluster: while it stays, a changed address or credential replaces nothing. Default: what
    the kubeconfig says."""


def cluster_provider(
    name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None, *, finds: bool = False
) -> kubernetes.Provider:
    """A provider that applies on the server's side and changes files in place.

    Without mutable ConfigMaps and Secrets a reloading program would be replaced with its files. One that
    `finds` takes over what is there already under its name: for the namespace and the volumes that outlive a
    stack alone, as it would take over another stack's Services too.
    """
    return kubernetes.Provider(
        name,
        kubeconfig=args.get("kubeconfig"),
        context=args.get("context"),
        cluster_identifier=args.get("identifier"),
        enable_server_side_apply=True,
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        upsert_existing_objects=finds,
        opts=opts,
    )
