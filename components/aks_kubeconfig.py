"""A kubeconfig without a credential: where the cluster is, and a program that signs its user in."""

import base64
from typing import Any

import pulumi
import yaml
from pulumi_azure_native import containerservice

from catalog.errors import KitError

CREDENTIALS = frozenset({"token", "password", "client-key", "client-key-data", "auth-provider"})
"""Keys of a kubeconfig's user that hold a secret. Clusters with local accounts hand them out."""


def without_credentials(text: str, login: str = "azurecli") -> str:
    """The kubeconfig that AKS hands to users, its sign-in changed from a device code to `login`.

    `login` is a mode of kubelogin: azurecli for who is signed in with `az login`, workloadidentity in a
    pipeline.
    Raises KitError for a kubeconfig that holds a credential, or that has no sign-in at all.
    """
    config: dict[str, Any] = yaml.safe_load(text)
    for each in config.get("users") or ():
        user: dict[str, Any] = each["user"]
        held = sorted(CREDENTIALS & user.keys())
        if held or "exec" not in user:
            raise KitError(
                f"kubeconfig of {each['name']}",
                f"holds {', '.join(held)}" if held else "has no sign-in",
                "Switch local accounts off and Entra ID on, as this kit makes clusters.",
            )
        arguments: list[str] = user["exec"]["args"]
        if "--login" not in arguments:
            raise KitError(f"kubeconfig of {each['name']}", "is not for kubelogin", "Use another one.")
        at = arguments.index("--login")
        user["exec"]["args"] = [*arguments[: at + 1], login, *arguments[at + 2 :]]
    return yaml.safe_dump(config, sort_keys=True)


def operator_kubeconfig(
    cluster: containerservice.ManagedCluster, group: pulumi.Input[str], parent: pulumi.Resource
) -> pulumi.Output[str]:
    """Asked for once the cluster is there; unknown in a preview before that."""
    found = containerservice.list_managed_cluster_user_credentials_output(
        resource_group_name=group,
        resource_name=cluster.name,
        # Clusters of Kubernetes 1.24 and later sign in through kubelogin.
        format="exec",
        opts=pulumi.InvokeOutputOptions(parent=parent),
    )
    return found.kubeconfigs.apply(lambda all_: without_credentials(base64.b64decode(all_[0].value).decode()))
