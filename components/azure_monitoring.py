"""Azure's managed Prometheus and Grafana for a cluster: where metrics go, and who may look at them."""

from collections.abc import Sequence
from typing import TypedDict

import pulumi
from pulumi_azure_native import dashboard, monitor

from components.aks_parts import Operator
from components.azure_place import Place, Role, computed, grant

STREAM = "Microsoft-PrometheusMetrics"
DESTINATION = "workspace"


class AzureMonitoringArgs(TypedDict):
    """What to watch and who looks."""

    place: Place
    cluster: pulumi.Input[str]
    """Id of the cluster; its own switch is AksCluster's `managed_prometheus`."""
    viewers: Sequence[Operator]
    """They become Grafana Admin."""


class AzureMonitoring(pulumi.ComponentResource):
    """A workspace for metrics, the rule that sends the cluster's there, and a Grafana that reads them."""

    grafana: pulumi.Output[str]
    """Address of the page."""

    def __init__(
        self, name: str, args: AzureMonitoringArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slm:index:AzureMonitoring", name, {}, opts)
        self._name, self._place = name, args["place"]
        workspace = monitor.AzureMonitorWorkspace(
            name,
            resource_group_name=self._place.resource_group,
            location=self._place.location,
            tags=self._place.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._collect(args["cluster"], workspace)
        page = self._page(workspace)
        grant(
            f"{name}-grafana-reads", Role.METRICS_READER, self._place,
            principal=computed(page, page.identity, lambda identity: identity.principal_id),
            scope=workspace.id, parent=self,
        )  # fmt: skip
        for at, each in enumerate(args["viewers"]):
            grant(
                f"{name}-viewer-{at}", Role.GRAFANA_ADMIN, self._place,
                principal=each.object_id, scope=page.id, parent=self, kind=each.kind,
            )  # fmt: skip
        self.grafana = computed(page, page.properties, lambda properties: properties.endpoint)
        self.register_outputs({"grafana": self.grafana})

    def _collect(self, cluster: pulumi.Input[str], workspace: monitor.AzureMonitorWorkspace) -> None:
        """As `az aks update --enable-azure-monitor-metrics` (Azure/prometheus-collector, templates)."""
        place, opts = self._place, pulumi.ResourceOptions(parent=self)
        endpoint = monitor.DataCollectionEndpoint(
            self._name,
            resource_group_name=place.resource_group,
            location=place.location,
            kind="Linux",
            tags=place.tags,
            opts=opts,
        )
        rule = monitor.DataCollectionRule(
            self._name,
            resource_group_name=place.resource_group,
            location=place.location,
            kind="Linux",
            data_collection_endpoint_id=endpoint.id,
            data_sources={"prometheus_forwarder": [{"name": "prometheus", "streams": [STREAM]}]},
            destinations={
                "monitoring_accounts": [{"name": DESTINATION, "account_resource_id": workspace.id}]
            },
            data_flows=[{"streams": [STREAM], "destinations": [DESTINATION]}],
            tags=place.tags,
            opts=opts,
        )
        monitor.DataCollectionRuleAssociation(
            self._name, resource_uri=cluster, data_collection_rule_id=rule.id, opts=opts
        )

    def _page(self, workspace: monitor.AzureMonitorWorkspace) -> dashboard.Grafana:
        """Sign-in is Entra ID's; API keys, which would be a second way in, stay off."""
        return dashboard.Grafana(
            self._name,
            resource_group_name=self._place.resource_group,
            location=self._place.location,
            identity={"type": "SystemAssigned"},
            sku={"name": "Standard"},
            properties={
                "api_key": "Disabled",
                "grafana_integrations": {
                    "azure_monitor_workspace_integrations": [
                        {"azure_monitor_workspace_resource_id": workspace.id}
                    ]
                },
            },
            tags=self._place.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
