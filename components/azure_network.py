"""The cluster's network, and private ways from it to services of Azure."""

import ipaddress
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypedDict

import pulumi
from pulumi_azure_native import network, privatedns

from components.azure_place import Place

Service = Literal["registry", "vault"]
ZONES: Mapping[Service, str] = MappingProxyType(
    {"registry": "privatelink.azurecr.io", "vault": "privatelink.vaultcore.azure.net"}
)
"""Group id of a private endpoint to the zone that its name is in (learn.microsoft.com/azure/private-link/
private-endpoint-dns); the public cloud's."""
NODES, ENDPOINTS = "nodes", "endpoints"


class AzureNetworkArgs(TypedDict):
    """A network of its own for one cluster."""

    place: Place
    address_space: str
    """CIDR, /8 to /18. Nodes get its first /20, private endpoints its last /24; pods have their own."""


class AzureNetwork(pulumi.ComponentResource):
    """One virtual network with a subnet for nodes and one for private endpoints."""

    id: pulumi.Output[str]
    nodes: pulumi.Output[str]
    """Id of the nodes' subnet."""

    def __init__(self, name: str, args: AzureNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slm:index:AzureNetwork", name, {}, opts)
        self._place = place = args["place"]
        space = ipaddress.IPv4Network(args["address_space"])
        nodes = next(space.subnets(new_prefix=20))
        # The last one, without making the list of all.
        endpoints = ipaddress.IPv4Network((int(space.broadcast_address) - 255, 24))
        made = network.VirtualNetwork(
            name,
            resource_group_name=place.resource_group,
            location=place.location,
            tags=place.tags,
            address_space={"address_prefixes": [str(space)]},
            subnets=[
                {"name": NODES, "address_prefix": str(nodes)},
                {"name": ENDPOINTS, "address_prefix": str(endpoints)},
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.id = made.id
        self.nodes = pulumi.Output.concat(made.id, f"/subnets/{NODES}")
        self._endpoints = pulumi.Output.concat(made.id, f"/subnets/{ENDPOINTS}")
        self.register_outputs({"id": self.id, "nodes": self.nodes})

    def reach(
        self, name: str, service: Service, resource_id: pulumi.Input[str], parent: pulumi.Resource
    ) -> network.PrivateDnsZoneGroup:
        """A private endpoint in the network, under the resource's own name there."""
        place, opts = self._place, pulumi.ResourceOptions(parent=parent)
        to: network.PrivateLinkServiceConnectionArgsDict = {
            "name": service,
            "group_ids": [service],
            "private_link_service_id": resource_id,
        }
        endpoint = network.PrivateEndpoint(
            f"{name}-endpoint",
            resource_group_name=place.resource_group,
            location=place.location,
            subnet={"id": self._endpoints},
            private_link_service_connections=[to],
            tags=place.tags,
            opts=opts,
        )
        return network.PrivateDnsZoneGroup(
            f"{name}-names",
            private_endpoint_name=endpoint.name,
            resource_group_name=place.resource_group,
            private_dns_zone_configs=[
                {"name": service, "private_dns_zone_id": self._zone(name, service, opts)}
            ],
            opts=opts,
        )

    def _zone(self, name: str, service: Service, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
        """Id of the zone that the service's private names are in, seen from the network."""
        place = self._place
        zone = privatedns.PrivateZone(
            f"{name}-zone",
            private_zone_name=ZONES[service],
            resource_group_name=place.resource_group,
            location="global",
            tags=place.tags,
            opts=opts,
        )
        privatedns.VirtualNetworkLink(
            f"{name}-link",
            private_zone_name=zone.name,
            resource_group_name=place.resource_group,
            location="global",
            registration_enabled=False,
            virtual_network={"id": self.id},
            tags=place.tags,
            opts=opts,
        )
        return zone.id
