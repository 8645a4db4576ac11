"""A registry for the cluster's images: private, without a password, pulled from by nodes alone."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
from pulumi_azure_native import containerregistry

from components.azure_network import AzureNetwork
from components.azure_place import Place, Role, grant
from components.azure_rules import check_name

UNTAGGED_DAYS = 30
"""Until an image that no tag names any more is removed."""


class ContainerRegistryArgs(TypedDict):
    """A registry and who may pull."""

    place: Place
    network: AzureNetwork
    """From where it is reached by a private address."""
    puller: pulumi.Input[str]
    """Principal id of the kubelet's identity: AcrPull, on this registry alone."""
    pushed_from: Sequence[str]
    """Public ranges (CIDR) that may reach it too, to push; who pushes still needs the role AcrPush. Empty:
    nobody from outside."""
    registry_name: NotRequired[str]
    """5 to 50 letters and digits, unique in Azure. Default: the component's name and a suffix."""


class ContainerRegistry(pulumi.ComponentResource):
    """Premium, which private endpoints need. No admin user, no anonymous pull."""

    login_server: pulumi.Output[str]
    id: pulumi.Output[str]

    def __init__(
        self, name: str, args: ContainerRegistryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        # What Azure's provider makes of it is this and eight letters and digits.
        check_name("registry", args.get("registry_name", f"{name}00000000"))
        super().__init__("slm:index:ContainerRegistry", name, {}, opts)
        place, ranges = args["place"], args["pushed_from"]
        made = containerregistry.Registry(
            name,
            registry_name=args.get("registry_name"),
            resource_group_name=place.resource_group,
            location=place.location,
            tags=place.tags,
            sku={"name": containerregistry.SkuName.PREMIUM},
            admin_user_enabled=False,
            anonymous_pull_enabled=False,
            public_network_access="Enabled" if ranges else "Disabled",
            network_rule_bypass_options="None",
            network_rule_set={
                "default_action": "Deny",
                "ip_rules": [{"action": "Allow", "i_p_address_or_range": each} for each in ranges],
            },
            policies={"retention_policy": {"status": "enabled", "days": UNTAGGED_DAYS}},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.id, self.login_server = made.id, made.login_server
        args["network"].reach(name, "registry", made.id, self)
        grant(f"{name}-pull", Role.ACR_PULL, place, principal=args["puller"], scope=made.id, parent=self)
        self.register_outputs({"id": self.id, "loginServer": self.login_server})
