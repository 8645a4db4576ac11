"""The AKS cluster as rendered: pairs, enums and bounds of Microsoft.ContainerService 2025-09-01.

Reference: learn.microsoft.com/rest/api/aks/managed-clusters/create-or-update?view=rest-aks-2025-09-01, for
the windows, .../maintenance-configurations/create-or-update.
"""

import inspect
import re
from typing import Any

import pytest
from pulumi_azure_native import containerservice

from rehearsal import Rendering
from tests.components.aks_stack import TENANT, cluster, full, plain, private

ENUMS = {
    ("identity", "type"): {"SystemAssigned", "UserAssigned", "None"},
    ("sku", "name"): {"Base", "Automatic"},
    ("sku", "tier"): {"Free", "Standard", "Premium"},
    ("networkProfile", "networkPlugin"): {"azure", "kubenet", "none"},
    ("networkProfile", "networkPluginMode"): {"overlay"},
    ("networkProfile", "networkDataplane"): {"azure", "cilium"},
    ("networkProfile", "networkPolicy"): {"none", "calico", "azure", "cilium"},
    ("networkProfile", "loadBalancerSku"): {"standard", "basic"},
    ("networkProfile", "outboundType"): {
        "loadBalancer", "userDefinedRouting", "managedNATGateway", "userAssignedNATGateway", "none",
    },
    ("autoUpgradeProfile", "upgradeChannel"): {"rapid", "stable", "patch", "node-image", "none"},
    ("autoUpgradeProfile", "nodeOSUpgradeChannel"): {"None", "Unmanaged", "NodeImage", "SecurityPatch"},
}  # fmt: skip
WEEK = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}


@pytest.mark.parametrize(
    "kind",
    [
        containerservice.ManagedCluster,
        containerservice.AgentPool,
        containerservice.MaintenanceConfiguration,
        containerservice.list_managed_cluster_user_credentials,
    ],
)
def test_the_sdk_speaks_the_api_version_that_these_tests_were_written_from(kind: Any) -> None:
    # The SDK says it in its own words only, at what makes the resource.
    assert "Uses Azure REST API version 2025-09-01." in inspect.getsource(kind)


@pytest.mark.parametrize("render", [plain, full, private])
def test_every_enum_value_is_one_of_the_reference(render: Any) -> None:
    made = cluster(render())
    for (profile, field), allowed in ENUMS.items():
        assert made[profile][field] in allowed, (profile, field)


@pytest.mark.parametrize("render", [plain, full, private])
def test_workload_identity_has_its_issuer(render: Any) -> None:
    made = cluster(render())
    assert made["securityProfile"]["workloadIdentity"] == {"enabled": True}
    assert made["oidcIssuerProfile"] == {"enabled": True}


@pytest.mark.parametrize("render", [plain, full, private])
def test_nobody_gets_in_but_by_entra_id_and_azure_rbac(render: Any) -> None:
    made = cluster(render())
    assert made["disableLocalAccounts"] is True
    assert made["enableRBAC"] is True
    assert made["aadProfile"] == {"managed": True, "enableAzureRBAC": True, "tenantID": TENANT}
    assert made["apiServerAccessProfile"]["disableRunCommand"] is True


def test_a_public_api_server_has_its_ranges_and_a_private_one_has_none() -> None:
    public, inside = (cluster(each())["apiServerAccessProfile"] for each in (plain, private))
    assert public == {"authorizedIPRanges": ["198.51.100.0/24"], "disableRunCommand": True}
    assert inside["enablePrivateCluster"] is True
    assert inside["enablePrivateClusterPublicFQDN"] is False
    assert "authorizedIPRanges" not in inside


def test_cilium_carries_pods_and_enforces_policies_on_an_overlay() -> None:
    made = cluster(plain())["networkProfile"]
    assert made["networkDataplane"] == made["networkPolicy"] == "cilium"
    # Cilium needs Azure CNI, as an overlay or with a subnet for pods (learn.microsoft.com/azure/aks/
    # azure-cni-powered-by-cilium).
    assert (made["networkPlugin"], made["networkPluginMode"]) == ("azure", "overlay")
    assert made["dnsServiceIP"] == "10.0.0.10"


def test_keda_vpa_image_cleaner_and_the_secrets_driver_are_on() -> None:
    made = cluster(plain())
    assert made["workloadAutoScalerProfile"] == {
        "keda": {"enabled": True},
        "verticalPodAutoscaler": {"enabled": True},
    }
    cleaner = made["securityProfile"]["imageCleaner"]
    assert cleaner["enabled"] is True
    # The reference: 24 hours to three months.
    assert 24 <= cleaner["intervalHours"] <= 2160
    driver = made["addonProfiles"]["azureKeyvaultSecretsProvider"]
    assert driver["enabled"] is True
    assert driver["config"]["enableSecretRotation"] == "true"


def test_the_system_pool_is_aks_own_and_never_empty() -> None:
    (pool,) = cluster(plain())["agentPoolProfiles"]
    assert pool["mode"] == "System"
    assert pool["nodeTaints"] == ["CriticalAddonsOnly=true:NoSchedule"]
    assert 1 <= pool["minCount"] <= pool["maxCount"] <= 1000
    assert re.fullmatch(r"[a-z][a-z0-9]{0,11}", pool["name"])
    assert "scaleSetPriority" not in pool, "a system pool cannot be Spot"


def test_an_update_asks_for_no_count_of_the_system_pool_and_for_its_bounds() -> None:
    (found,) = plain().of_type("azure-native:containerservice:ManagedCluster")
    assert "count" not in found.inputs["agentPoolProfiles"][0]
    # No index would do: Azure sorts pools by name, and `gpu` is before `system` (pulumi-azure-native#1298).
    assert not found.options.get("ignoreChanges")


def test_one_window_for_kubernetes_and_one_for_the_nodes_system() -> None:
    found = full().of_type("azure-native:containerservice:MaintenanceConfiguration")
    assert {each.inputs["configName"] for each in found} == {
        "aksManagedAutoUpgradeSchedule",
        "aksManagedNodeOSUpgradeSchedule",
    }
    for each in found:
        window = each.inputs["maintenanceWindow"]
        assert 4 <= window["durationHours"] <= 24
        assert (window["startTime"], window["utcOffset"]) == ("23:30", "+00:00")
        assert window["schedule"] == {"weekly": {"dayOfWeek": "Tuesday", "intervalWeeks": 1}}
        assert window["schedule"]["weekly"]["dayOfWeek"] in WEEK


def test_names_match_azures_patterns() -> None:
    made = cluster(full())
    assert made["resourceName"] == "models-prod"
    assert re.fullmatch(r"[a-zA-Z0-9]|[a-zA-Z0-9][-_a-zA-Z0-9]{0,61}[a-zA-Z0-9]", made["resourceName"])
    assert re.fullmatch(r"[a-zA-Z0-9]([-a-zA-Z0-9]{0,52}[a-zA-Z0-9])?", made["dnsPrefix"])


def test_the_cluster_is_made_after_its_identity_has_its_rights() -> None:
    (found,) = plain().of_type("azure-native:containerservice:ManagedCluster")
    before = {urn.rpartition("::")[2] for urn in found.dependencies}
    assert {"aks-uses-kubelet", "aks-joins-network"} <= before


@pytest.mark.parametrize(("render", "on"), [(plain, False), (full, True)])
def test_azures_prometheus_is_on_where_it_was_chosen_and_its_parts_with_it(render: Any, on: bool) -> None:
    made: Rendering = render()
    assert cluster(made)["azureMonitorProfile"]["metrics"]["enabled"] is on
    rules = made.of_type("azure-native:monitor:DataCollectionRule")
    assert len(rules) == (1 if on else 0)
    for rule in rules:
        (flow,) = rule.inputs["dataFlows"]
        (source,) = rule.inputs["dataSources"]["prometheusForwarder"]
        (to,) = rule.inputs["destinations"]["monitoringAccounts"]
        assert flow == {"streams": source["streams"], "destinations": [to["name"]]}
    for page in made.of_type("azure-native:dashboard:Grafana"):
        assert page.inputs["properties"]["apiKey"] == "Disabled"


def test_every_resource_has_a_component_above_it_but_the_group() -> None:
    for each in full().resources:
        if each.custom and not each.type.startswith("pulumi:providers"):
            assert "slm:index:" in each.parent or each.type.endswith(":ResourceGroup"), each.name


def test_everything_is_made_in_the_subscription_of_the_config() -> None:
    providers = {
        each.provider for each in full().resources if each.custom and not each.type.startswith("pulumi:")
    }
    (provider,) = full().of_type("pulumi:providers:azure-native")
    assert providers == {provider.urn}
    assert provider.inputs["subscriptionId"] == "11111111-2222-3333-4444-555555555555"
