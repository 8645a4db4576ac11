"""Who may do what: every role assignment, the registry, the vault, tags, and what is told to others."""

import json
from typing import Any

import pytest

from components.azure_place import ROLE_IDS
from rehearsal import RenderedResource, Rendering
from tests.components.aks_stack import OPERATOR, SECRET, SUBSCRIPTION, full, plain, private, source_of

ASSIGNMENT = "azure-native:authorization:RoleAssignment"
NAMES = {identity: role.value for role, identity in ROLE_IDS.items()}
UNTAGGED = {
    "azure-native:authorization:RoleAssignment",
    "azure-native:containerservice:MaintenanceConfiguration",
    "azure-native:managedidentity:FederatedIdentityCredential",
    "azure-native:monitor:DataCollectionRuleAssociation",
    "azure-native:network:PrivateDnsZoneGroup",
}
"""What Azure has no tags for."""


def role_of(each: RenderedResource) -> str:
    """The role's name; its id is the subscription's."""
    before, _, identity = each.inputs["roleDefinitionId"].rpartition("/")
    assert before == f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
    return NAMES[identity]


def rights(of: Rendering) -> set[tuple[str, str, str]]:
    """(who, role, on what), by the names of the resources; an operator by the object id."""
    found = set()
    for each in of.of_type(ASSIGNMENT):
        who = source_of(each, "principalId") or {each.inputs["principalId"]}
        (where,) = source_of(each, "scope")
        found.add((who.pop(), role_of(each), where))
    return found


def test_these_are_all_the_rights_that_are_given() -> None:
    user, admin = "Azure Kubernetes Service Cluster User Role", "Azure Kubernetes Service RBAC Cluster Admin"
    assert rights(full()) == {
        ("aks-control", "Managed Identity Operator", "aks-kubelet"),
        ("aks-control", "Network Contributor", "network"),
        ("aks-kubelet", "AcrPull", "registry"),
        (OPERATOR, user, "aks"),
        (OPERATOR, admin, "aks"),
        ("vault-slm-gateway", "Key Vault Secrets User", "vault-keys"),
        ("vault-slm-models", "Key Vault Secrets User", "vault-hub-token"),
        ("monitoring", "Monitoring Data Reader", "monitoring"),
        (OPERATOR, "Grafana Admin", "monitoring"),
    }


@pytest.mark.parametrize("render", [plain, full, private])
def test_no_right_is_on_a_whole_subscription_or_group_and_none_is_to_give_rights(render: Any) -> None:
    broad = {"Owner", "Contributor", "User Access Administrator", "Role Based Access Control Administrator"}
    for each in render().of_type(ASSIGNMENT):
        assert role_of(each) not in broad
        where = source_of(each, "scope")
        assert where, f"{each.name} is on no resource of the stack"
        assert where.isdisjoint({"slm-kit"}), "the resource group is no scope"


def test_principals_are_of_the_kind_that_they_are() -> None:
    for each in full().of_type(ASSIGNMENT):
        operator = each.inputs["principalId"] == OPERATOR
        assert each.inputs["principalType"] == ("Group" if operator else "ServicePrincipal")


@pytest.mark.parametrize("render", [plain, full, private])
def test_everything_that_can_be_tagged_says_whose_it_is(render: Any) -> None:
    for each in render().resources:
        if each.type.startswith("azure-native:") and each.type not in UNTAGGED:
            assert each.inputs["tags"]["slm-kit.stack"] == "prod", each.name
    (only,) = full().of_type("azure-native:containerregistry:Registry")
    assert only.inputs["tags"]["owner"] == "platform-team"


def test_the_registry_has_no_password_and_is_reached_from_inside_and_by_operators() -> None:
    (made,) = plain().of_type("azure-native:containerregistry:Registry")
    assert made.inputs["sku"] == {"name": "Premium"}, "private endpoints need Premium"
    assert made.inputs["adminUserEnabled"] is False
    assert made.inputs["anonymousPullEnabled"] is False
    rules = made.inputs["networkRuleSet"]
    assert rules["defaultAction"] == "Deny"
    assert [each["iPAddressOrRange"] for each in rules["ipRules"]] == ["198.51.100.0/24"]
    (inside,) = private().of_type("azure-native:containerregistry:Registry")
    assert inside.inputs["publicNetworkAccess"] == "Disabled"
    assert inside.inputs["networkRuleSet"].get("ipRules", []) == []


def test_registry_and_vault_have_a_private_endpoint_with_its_name() -> None:
    endpoints = {each.name: each for each in plain().of_type("azure-native:network:PrivateEndpoint")}
    assert set(endpoints) == {"registry-endpoint", "vault-endpoint"}
    for name, each in endpoints.items():
        (connection,) = each.inputs["privateLinkServiceConnections"]
        assert connection["groupIds"] == [name.removesuffix("-endpoint")]
    zones = {e.inputs["privateZoneName"] for e in plain().of_type("azure-native:privatedns:PrivateZone")}
    assert zones == {"privatelink.azurecr.io", "privatelink.vaultcore.azure.net"}


def test_the_vault_knows_rbac_alone_and_cannot_be_purged() -> None:
    (made,) = plain().of_type("azure-native:keyvault:Vault")
    properties = made.inputs["properties"]
    assert properties["enableRbacAuthorization"] is True
    assert properties["enablePurgeProtection"] is properties["enableSoftDelete"] is True
    assert 7 <= properties["softDeleteRetentionInDays"] <= 90
    assert "accessPolicies" not in properties
    assert properties["networkAcls"]["defaultAction"] == "Deny"


def test_an_identity_can_be_taken_by_its_own_service_account_alone() -> None:
    found = full().of_type("azure-native:managedidentity:FederatedIdentityCredential")
    assert {each.inputs["subject"] for each in found} == {
        "system:serviceaccount:slm:gateway",
        "system:serviceaccount:slm:models",
    }
    for each in found:
        assert each.inputs["audiences"] == ["api://AzureADTokenExchange"]
        assert source_of(each, "issuer") == {"aks"}
        assert source_of(each, "resourceName") == {each.name}
    assert plain().of_type("azure-native:managedidentity:FederatedIdentityCredential") == []


def test_a_secret_is_a_value_of_the_vault_and_of_nothing_else() -> None:
    holders = {each.name for each in full().resources if SECRET in json.dumps(each.inputs)}
    assert holders == {"vault-keys", "vault-hub-token"}
    for each in full().of_type("azure-native:keyvault:Secret"):
        assert each.secret_paths == ("properties.value",)
    assert SECRET not in json.dumps(full().outputs)
    assert SECRET not in full().log
    assert full().secret_outputs == ()


def test_the_workload_layer_is_told_what_it_needs() -> None:
    assert set(full().outputs) == {
        "clusterName", "cost", "gpuPools", "grafana", "identities", "kubeconfig", "registry",
        "resourceGroup", "scaling", "sizing", "vault", "workPool",
    }  # fmt: skip
    assert set(full().outputs["identities"]) == {"slm/gateway", "slm/models"}
