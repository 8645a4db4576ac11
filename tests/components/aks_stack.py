"""The cluster layer as its program registers it, with and without what can be chosen."""

from functools import cache
from typing import Any

from rehearsal import RenderedResource, Rendering, render
from tests.conftest import ROOT

PROGRAM = ROOT / "tests" / "data" / "aks_program"
SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
TENANT = "99999999-8888-7777-6666-555555555555"
OPERATOR = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
SECRET = "slm-" + "q" * 43
CONFIG: dict[str, Any] = {
    "target": "aks",
    "subscriptionId": SUBSCRIPTION,
    "tenantId": TENANT,
    "location": "eastus",
    "operators": [{"objectId": OPERATOR}],
    "apiServer": {"authorizedRanges": ["198.51.100.0/24"]},
    "gpuPools": [
        {
            "maxNodes": 2,
            "models": [
                {"name": "phi-4-mini-instruct", "engine": "vllm", "contextLength": 8192, "concurrency": 8}
            ],
        }
    ],
}
FULL: dict[str, Any] = {
    "tags": {"owner": "platform-team"},
    "clusterName": "models-prod",
    "managedMonitoring": True,
    "maintenance": {"day": "Tuesday", "start": "23:30", "hours": 6},
    "vault": {
        "readers": [
            {"namespace": "slm", "serviceAccount": "gateway", "secrets": ["keys"]},
            {"namespace": "slm", "serviceAccount": "models", "secrets": ["hub-token"]},
        ]
    },
    "vaultSecrets": {"keys": SECRET, "hub-token": SECRET + "x"},
    "gpuPools": [
        *CONFIG["gpuPools"],
        {
            "name": "spot",
            "priority": "Spot",
            "evictionPolicy": "Delete",
            "sku": "Standard_NC24ads_A100_v4",
            "mig": "MIG3g",
            "minNodes": 1,
            "zones": ["1"],
            "models": [{"name": "phi-4-mini-instruct", "engine": "vllm"}],
        },
    ],
}


def render_aks(**changes: Any) -> Rendering:
    """The stack with some config changed; keys without their namespace."""
    config = {f"slm-kit:{key}": value for key, value in {**CONFIG, **changes}.items()}
    return render(PROGRAM, "prod", config, secrets={"slm-kit:vaultSecrets"} & set(config))


@cache
def plain() -> Rendering:
    """Only what must be said, and one GPU pool."""
    return render_aks()


@cache
def full() -> Rendering:
    """With everything that can be chosen beside a private API server."""
    return render_aks(**FULL)


@cache
def private() -> Rendering:
    """With an API server inside the network."""
    return render_aks(apiServer={"private": True})


def cluster(of: Rendering) -> dict[str, Any]:
    """The cluster's inputs."""
    (found,) = of.of_type("azure-native:containerservice:ManagedCluster")
    return found.inputs


def pools(of: Rendering) -> dict[str, dict[str, Any]]:
    """Pool name to its inputs, the system pool left out."""
    return {
        each.inputs["agentPoolName"]: each.inputs
        for each in of.of_type("azure-native:containerservice:AgentPool")
    }


def source_of(each: RenderedResource, value: str) -> set[str]:
    """Names of the resources that an input is taken from."""
    return {urn.rpartition("::")[2] for urn in each.property_dependencies.get(value, [])}
