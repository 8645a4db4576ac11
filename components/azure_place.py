"""Where in Azure things are made, and the rights that are given there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

import pulumi
from pulumi_azure_native import authorization

PrincipalKind = Literal["User", "Group", "ServicePrincipal"]


@dataclass(frozen=True)
class Place:
    """What every Azure component is told. `location` is a region, such as eastus."""

    subscription_id: str
    tenant_id: str
    location: str
    resource_group: pulumi.Input[str]
    tags: Mapping[str, str]


class Role(StrEnum):
    """Built-in roles that the kit gives, by their names in Azure."""

    ACR_PULL = "AcrPull"
    CLUSTER_USER = "Azure Kubernetes Service Cluster User Role"
    CLUSTER_ADMIN = "Azure Kubernetes Service RBAC Cluster Admin"
    GRAFANA_ADMIN = "Grafana Admin"
    IDENTITY_OPERATOR = "Managed Identity Operator"
    METRICS_READER = "Monitoring Data Reader"
    NETWORK_CONTRIBUTOR = "Network Contributor"
    SECRETS_USER = "Key Vault Secrets User"


ROLE_IDS: Mapping[Role, str] = MappingProxyType(
    {
        Role.ACR_PULL: "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        Role.CLUSTER_USER: "4abbcc35-e782-43d8-92c5-2d3f1bd2253f",
        Role.CLUSTER_ADMIN: "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b",
        Role.GRAFANA_ADMIN: "22926164-76b3-42b3-bc55-97df8dab3e41",
        Role.IDENTITY_OPERATOR: "f1a07417-d97a-45cb-824c-7a7467783830",
        Role.METRICS_READER: "b0d8363b-8ddd-447d-831f-62ca05bff136",
        Role.NETWORK_CONTRIBUTOR: "4d97b98b-1d4f-4787-a291-c67834d212e7",
        Role.SECRETS_USER: "4633458b-17de-408a-b874-0445c86b69e6",
    }
)
"""Their ids, the same everywhere (learn.microsoft.com/azure/role-based-access-control/built-in-roles)."""


def computed(
    of: pulumi.CustomResource, value: pulumi.Output[Any], part: Callable[[Any], str | None]
) -> pulumi.Output[str]:
    """A part of an output that Azure computes: unknown until the resource is there, not empty."""
    return pulumi.Output.all(of.id, value).apply(lambda both: part(both[1]) or "")


def grant(
    name: str,
    role: Role,
    place: Place,
    *,
    principal: pulumi.Input[str],
    scope: pulumi.Input[str],
    parent: pulumi.Resource,
    kind: PrincipalKind = "ServicePrincipal",
) -> authorization.RoleAssignment:
    """Give one principal one role on one resource. Managed identities are service principals.

    The principal's kind is said, so that Azure does not refuse an identity that it made a moment ago.
    """
    return authorization.RoleAssignment(
        name,
        principal_id=principal,
        principal_type=kind,
        role_definition_id=(
            f"/subscriptions/{place.subscription_id}/providers/Microsoft.Authorization/roleDefinitions/"
            f"{ROLE_IDS[role]}"
        ),
        scope=scope,
        description=f"slm-kit: {role.value}",
        opts=pulumi.ResourceOptions(parent=parent),
    )
