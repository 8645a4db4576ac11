"""The monitoring set: what scrapes, records, alerts, keeps logs, and shows them."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NotRequired, TypedDict

import pulumi

from components.monitoring import parts
from components.monitoring.login import web_config
from components.monitoring.parts import Part
from components.platform import Platform
from components.workload import Workload
from monitoring import alertmanager, collector, grafana, loki, prometheus
from monitoring.alerts.making import RUNBOOKS
from monitoring.gpu import counters
from monitoring.receiver_secrets import secret_files
from monitoring.receivers import Receiver, secret_file
from monitoring.watched import Watched


class MonitoringArgs(TypedDict):
    """What is watched, and who looks."""

    platform: Platform
    image: Callable[[str], pulumi.Input[str]]
    """Image of a part by its name, e.g. `loki`. Asked for only where the part runs."""
    watched: Watched
    password: pulumi.Input[str]
    """Of the login on every page, secret."""
    store: NotRequired[pulumi.Input[str]]
    """Volume of the model store, whose disk is watched. Default: nobody watches disks and machine."""
    ports: Mapping[str, int]
    """Port of the machine, on 127.0.0.1, by part: prometheus, alertmanager, collector (takes the logs of
    containers; on a cluster it has none), and grafana, which runs only where it has one."""
    storage_gib: int
    """Most that Prometheus keeps."""
    receivers: NotRequired[Sequence[Receiver]]
    """Who is told of alerts. Default: nobody; Alertmanager's page shows them."""
    receiver_secrets: NotRequired[pulumi.Input[Mapping[str, str]]]
    """Receiver name to its URL, key or password; secret."""
    runbooks: NotRequired[str]
    """Base URL of the runbooks that alerts link to. Default: their path in this repository."""


class Monitoring(pulumi.ComponentResource):
    """Watches what `watched` says. `pages` are the addresses of what people look at, by part."""

    pages: pulumi.Output[dict[str, str]]

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slm:index:Monitoring", name, {}, opts)
        self._args = args
        volumes = {part: self._volume(part) for part in ("prometheus", "alertmanager", "loki")}
        for part, workload in self._workloads(volumes).items():
            args["platform"].run(part, workload, pulumi.ResourceOptions(parent=self))
        pages = {part: port for part, port in args["ports"].items() if part != "collector"}
        self.pages = pulumi.Output.from_input(
            {part: f"http://127.0.0.1:{port}" for part, port in pages.items()}
        )
        self.register_outputs({"pages": self.pages})

    def _workloads(self, volumes: Mapping[str, pulumi.Output[str]]) -> dict[str, Workload]:
        args, watched = self._args, self._args["watched"]
        rules = prometheus.render(watched, args.get("runbooks", RUNBOOKS))
        receivers = args.get("receivers", ())
        made = {
            "collector": parts.collector(
                self._part("collector", {"collector.yaml": collector.render(watched)}),
                cluster=watched.cluster is not None,
            ),
            "loki": parts.loki(self._part("loki", {"loki.yaml": loki.render(watched)}, data=volumes["loki"])),
            "alertmanager": parts.alertmanager(
                self._part(
                    "alertmanager",
                    {"alertmanager.yml": alertmanager.render(watched, receivers)},
                    {**self._login(), **self._receiver_files(receivers)},
                    volumes["alertmanager"],
                ),
                needs_egress=bool(receivers),
            ),
            "prometheus": parts.prometheus(
                self._part("prometheus", rules, self._login(), volumes["prometheus"]),
                watched.retention_days,
                args["storage_gib"],
            ),
        }
        if "store" in args:
            seen = {"models": args["store"], "prometheus": volumes["prometheus"], "loki": volumes["loki"]}
            made["node-exporter"] = parts.node_exporter(self._part("node-exporter", {}), seen)
        if watched.gpus and watched.cluster is None:
            made["gpu-exporter"] = parts.gpu_exporter(
                self._part("gpu-exporter", {"dcgm_counters.csv": counters()})
            )
        if "grafana" in args["ports"]:
            secrets = {"password": args["password"], "grafana-password": args["password"]}
            made["grafana"] = parts.grafana(self._part("grafana", grafana.render(watched), secrets))
        return made

    def _part(
        self,
        name: str,
        config: Mapping[str, str],
        secrets: Mapping[str, pulumi.Input[str]] | None = None,
        data: pulumi.Input[str] | None = None,
    ) -> Part:
        args = self._args
        return Part(args["image"](name), config, secrets or {}, data, args["ports"].get(name))

    def _volume(self, name: str) -> pulumi.Output[str]:
        return self._args["platform"].volume(f"{name}-data", pulumi.ResourceOptions(parent=self))

    def _login(self) -> dict[str, pulumi.Input[str]]:
        password = pulumi.Output.secret(self._args["password"])
        return {"password": password, "web.yml": password.apply(web_config)}

    def _receiver_files(self, receivers: Sequence[Receiver]) -> dict[str, pulumi.Input[str]]:
        secrets = pulumi.Output.secret(self._args.get("receiver_secrets", {}))
        made = secrets.apply(lambda known: secret_files(receivers, known))
        names = {secret_file(each.secret_name) for each in receivers if each.secret_name}
        return {name: made.apply(itemgetter(name)) for name in sorted(names)}
