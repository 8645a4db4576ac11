"""A vault for secrets that pods need, and for each service account an identity that reads its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pulumi
from pulumi_azure_native import keyvault, managedidentity

from catalog.errors import KitError
from components.azure_network import AzureNetwork
from components.azure_place import Place, Role, computed, grant
from components.azure_rules import check_name

AUDIENCE = "api://AzureADTokenExchange"
"""Who the tokens of service accounts must be meant for (AKS documentation, workload identity)."""


@dataclass(frozen=True)
class Reader:
    """A service account and the secrets that it needs."""

    namespace: str
    service_account: str
    secrets: tuple[str, ...]

    @property
    def name(self) -> str:
        """As Kubernetes writes it: namespace/service account."""
        return f"{self.namespace}/{self.service_account}"


class KeyVaultArgs(TypedDict):
    """A vault, what is in it and who reads it."""

    place: Place
    network: AzureNetwork
    issuer: pulumi.Input[str]
    """OIDC issuer of the cluster."""
    reached_from: Sequence[str]
    """Public ranges (CIDR) that may reach it too. Empty: nobody from outside."""
    secrets: Mapping[str, pulumi.Input[str]]
    """Name to value. Each is kept encrypted in the stack's state, and nowhere else outside of the vault."""
    readers: Sequence[Reader]
    vault_name: NotRequired[str]
    """3 to 24 letters, digits and -. Default: the component's name and a suffix."""
    retention_days: NotRequired[int]
    """How long what was deleted can be had back: 7 to 90 days. Default: 90."""


class KeyVault(pulumi.ComponentResource):
    """RBAC only. Each reader may read its own secrets, one by one, and do nothing else."""

    uri: pulumi.Output[str]
    vault_name: pulumi.Output[str]
    client_ids: Mapping[str, pulumi.Output[str]]
    """namespace/service account to the client id for its annotation azure.workload.identity/client-id."""

    def __init__(self, name: str, args: KeyVaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        check_vault(args["readers"], args["secrets"])
        # What Azure's provider makes of it is this and eight letters and digits.
        check_name("vault", args.get("vault_name", f"{name}00000000"))
        super().__init__("slm:index:KeyVault", name, {}, opts)
        self._name, self._args, self._place = name, args, args["place"]
        self._vault = self._made(args["reached_from"], args.get("retention_days", 90))
        args["network"].reach(name, "vault", self._vault.id, self)
        self._secrets = {each: self._secret(each, value) for each, value in args["secrets"].items()}
        self.vault_name = self._vault.name
        self.uri = computed(self._vault, self._vault.properties, lambda properties: properties.vault_uri)
        self.client_ids = {each.name: self._reader(each) for each in args["readers"]}
        self.register_outputs({"uri": self.uri, "clientIds": self.client_ids})

    def _made(self, ranges: Sequence[str], retention_days: int) -> keyvault.Vault:
        return keyvault.Vault(
            self._name,
            vault_name=self._args.get("vault_name"),
            resource_group_name=self._place.resource_group,
            location=self._place.location,
            tags=self._place.tags,
            properties={
                "tenant_id": self._place.tenant_id,
                "sku": {"family": keyvault.SkuFamily.A, "name": keyvault.SkuName.STANDARD},
                "enable_rbac_authorization": True,
                "enable_soft_delete": True,
                "soft_delete_retention_in_days": retention_days,
                "enable_purge_protection": True,
                "enabled_for_deployment": False,
                "enabled_for_disk_encryption": False,
                "enabled_for_template_deployment": False,
                "public_network_access": "Enabled" if ranges else "Disabled",
                "network_acls": {
                    "default_action": "Deny",
                    "bypass": "None",
                    "ip_rules": [{"value": each} for each in ranges],
                },
            },
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _secret(self, secret: str, value: pulumi.Input[str]) -> keyvault.Secret:
        return keyvault.Secret(
            f"{self._name}-{secret}",
            secret_name=secret,
            vault_name=self._vault.name,
            resource_group_name=self._place.resource_group,
            tags=self._place.tags,
            properties={"value": pulumi.Output.secret(value)},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _reader(self, reader: Reader) -> pulumi.Output[str]:
        """An identity that only this service account can be."""
        name = f"{self._name}-{reader.namespace}-{reader.service_account}"
        identity = managedidentity.UserAssignedIdentity(
            name,
            resource_group_name=self._place.resource_group,
            location=self._place.location,
            tags=self._place.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        managedidentity.FederatedIdentityCredential(
            name,
            resource_name_=identity.name,
            resource_group_name=self._place.resource_group,
            issuer=self._args["issuer"],
            subject=f"system:serviceaccount:{reader.namespace}:{reader.service_account}",
            audiences=[AUDIENCE],
            opts=pulumi.ResourceOptions(parent=self),
        )
        for secret in reader.secrets:
            grant(
                f"{name}-{secret}", Role.SECRETS_USER, self._place,
                principal=identity.principal_id, scope=self._secrets[secret].id, parent=self,
            )  # fmt: skip
        return identity.client_id


def check_vault(readers: Sequence[Reader], secrets: Mapping[str, object]) -> None:
    """Raise KitError for names that cannot be, and for a secret that nobody has or nobody reads."""
    for secret in secrets:
        check_name("secret", secret)
    names = [each.name for each in readers]
    for each in readers:
        check_name("namespace", each.namespace)
        check_name("namespace", each.service_account)
        missing = sorted(set(each.secrets) - set(secrets))
        if missing or not each.secrets or names.count(each.name) > 1:
            reason = f"has no value for {missing[0]!r}" if missing else "is listed twice or reads nothing"
            raise KitError(
                f"vault reader {each.name}", reason, "Set slm-kit:vaultSecrets, or correct vault.readers."
            )
    idle = sorted(set(secrets) - {secret for each in readers for secret in each.secrets})
    if idle:
        raise KitError(
            f"vault secret {idle[0]!r}", "nobody reads it", "Name it in vault.readers, or remove it."
        )
