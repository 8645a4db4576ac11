"""What operators are handed: the way in, and no credential."""

from typing import Any

import pytest
import yaml

from catalog.errors import KitError
from components.aks_kubeconfig import without_credentials

ARGUMENTS = [
    "get-token", "--environment", "AzurePublicCloud", "--server-id", "s", "--client-id", "c", "--tenant-id",
    "t", "--login", "devicecode",
]  # fmt: skip
"""As AKS writes them for a cluster with Entra ID (format=exec)."""


def kubeconfig(user: dict[str, Any]) -> str:
    """A kubeconfig of one cluster and user."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "a", "cluster": {"server": "https://a:443", "certificate-authority-data": "Q0E="}}
            ],
            "users": [{"name": "clusterUser", "user": user}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "clusterUser"}}],
            "current-context": "a",
        }
    )


def test_the_sign_in_is_the_azure_clis_and_all_else_stays() -> None:
    given = kubeconfig({"exec": {"command": "kubelogin", "args": ARGUMENTS}})
    made = yaml.safe_load(without_credentials(given))
    assert made["users"][0]["user"]["exec"]["args"] == [*ARGUMENTS[:-1], "azurecli"]
    made["users"] = yaml.safe_load(given)["users"]
    assert made == yaml.safe_load(given)


def test_a_pipeline_can_sign_in_by_workload_identity() -> None:
    given = kubeconfig({"exec": {"command": "kubelogin", "args": ARGUMENTS}})
    made = yaml.safe_load(without_credentials(given, "workloadidentity"))
    assert made["users"][0]["user"]["exec"]["args"][-1] == "workloadidentity"


@pytest.mark.parametrize("key", ["token", "password", "client-key-data", "client-key", "auth-provider"])
def test_a_credential_is_refused_and_not_shown(key: str) -> None:
    given = kubeconfig({"exec": {"command": "kubelogin", "args": ARGUMENTS}, key: "hidden-value"})
    with pytest.raises(KitError, match=key) as refusal:
        without_credentials(given)
    assert "hidden-value" not in str(refusal.value)


def test_a_kubeconfig_without_a_sign_in_is_refused() -> None:
    with pytest.raises(KitError, match="has no sign-in"):
        without_credentials(kubeconfig({}))
    with pytest.raises(KitError, match="is not for kubelogin"):
        without_credentials(kubeconfig({"exec": {"command": "other", "args": []}}))
