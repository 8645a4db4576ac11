"""The programs of the monitoring set as workloads: pure functions, one a program."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.monitoring.memory import MEMORY_MIB, go_runtime
from components.workload import CONFIG_PATH, SECRETS_PATH, Mount, Probe, Publish, Resources, Update, Workload
from monitoring.collector import FORWARD_PORT, HEALTH_PATH, HEALTH_PORT, LINES_PORT, SCRAPED_PORTS
from monitoring.watched import LOKI_MOUNT, MODELS_MOUNT, PROMETHEUS_MOUNT


@dataclass(frozen=True)
class Part:
    """What the stack gives a program."""

    image: pulumi.Input[str]
    config: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    data: pulumi.Input[str] | None = None
    """Volume of what it keeps."""
    host_port: int | None = None
    """Port of the machine on 127.0.0.1, for what is published."""


def prometheus(part: Part, retention_days: int, storage_gib: int) -> Workload:
    """Scrapes, records and alerts. The oldest goes when time or size is reached, whichever is first."""
    return _workload(
        "prometheus",
        part,
        port=9090,
        probe="/-/ready",
        keeps="/prometheus",
        command=(
            f"--config.file={CONFIG_PATH}/prometheus.yml",
            "--storage.tsdb.path=/prometheus",
            f"--storage.tsdb.retention.time={retention_days}d",
            f"--storage.tsdb.retention.size={storage_gib}GiB",
            f"--web.config.file={SECRETS_PATH}/web.yml",
            f"--web.external-url=http://127.0.0.1:{part.host_port}/",
            # Of the queries at once, which each take memory.
            "--query.max-concurrency=4",
        ),
        reaches_engines=True,
        # Its rules are read before the container that runs now is stopped.
        config_check=("sh", "-c", 'exec promtool check config "$0/prometheus.yml"'),
    )


def alertmanager(part: Part, *, needs_egress: bool) -> Workload:
    """Groups alerts and tells receivers; egress only where there are any."""
    return _workload(
        "alertmanager",
        part,
        port=9093,
        probe="/-/ready",
        keeps="/alertmanager",
        command=(
            f"--config.file={CONFIG_PATH}/alertmanager.yml",
            "--storage.path=/alertmanager",
            f"--web.config.file={SECRETS_PATH}/web.yml",
            f"--web.external-url=http://127.0.0.1:{part.host_port}/",
            # One alone: no gossip.
            "--cluster.listen-address=",
        ),
        needs_egress=needs_egress,
        # A receiver may be on this machine.
        host_machine=needs_egress,
        config_check=("sh", "-c", 'exec amtool check-config "$0/alertmanager.yml"'),
    )


def node_exporter(part: Part, volumes: Mapping[str, pulumi.Input[str]]) -> Workload:
    """The machine's processors, memory and clock, and the disks under `volumes`: models, prometheus, loki."""
    names = ("cpu", "filesystem", "loadavg", "meminfo", "stat", "time", "timex", "uname", "vmstat")
    places = {"models": MODELS_MOUNT, "prometheus": PROMETHEUS_MOUNT, "loki": LOKI_MOUNT}
    return _workload(
        "node-exporter",
        part,
        port=9100,
        probe="/",
        command=(
            "--collector.disable-defaults",
            *(f"--collector.{name}" for name in names),
            "--collector.filesystem.mount-points-include=^/watched/",
        ),
        mounts=tuple(Mount(path=places[name], volume=volume) for name, volume in volumes.items()),
    )


def loki(part: Part) -> Workload:
    """Keeps logs."""
    return _workload(
        "loki",
        part,
        port=3100,
        probe="/ready",
        keeps="/loki",
        command=(f"-config.file={CONFIG_PATH}/loki.yaml",),
    )


def collector(part: Part, *, cluster: bool) -> Workload:
    """Takes the logs of all containers, on a cluster the gateway's; hands them to Loki and counts usage."""
    return _workload(
        "collector",
        part,
        # On a cluster its address is a Service's, which has the ports that are named and no other.
        port=LINES_PORT if cluster else FORWARD_PORT,
        more_ports=SCRAPED_PORTS if cluster else (),
        logs_port=LINES_PORT if cluster else None,
        probe_port=HEALTH_PORT,
        probe=HEALTH_PATH,
        command=(f"--config={CONFIG_PATH}/collector.yaml",),
    )


def grafana(part: Part) -> Workload:
    """Shows dashboards."""
    return _workload(
        "grafana",
        part,
        port=3000,
        probe="/api/health",
        # Everything it shows is provisioned; what people click together goes with the container.
        writable={"/var/lib/grafana": 64, "/var/log/grafana": 16, "/tmp": 16},
        environment={"GF_PATHS_CONFIG": f"{CONFIG_PATH}/grafana.ini"},
        start_seconds=180,
    )


def gpu_exporter(part: Part) -> Workload:
    """NVIDIA's exporter, with the kit's list of counters."""
    return _workload(
        "gpu-exporter",
        part,
        port=9400,
        probe="/health",
        command=("-f", f"{CONFIG_PATH}/dcgm_counters.csv"),
    )


def _workload(
    name: str,
    part: Part,
    *,
    port: int,
    more_ports: tuple[int, ...] = (),
    probe: str,
    probe_port: int | None = None,
    keeps: str | None = None,
    mounts: tuple[Mount, ...] = (),
    start_seconds: int = 120,
    **more: Any,
) -> Workload:
    kept = (Mount(path=keeps, volume=part.data, read_only=False),) if keeps else ()
    asked = probe_port or port
    return Workload(
        image=part.image,
        alias=name,
        resources=Resources(memory_mib=MEMORY_MIB[name], cpus=1),
        config_files=part.config,
        secret_files=part.secrets,
        ports=(port, *more_ports),
        publish=() if part.host_port is None else (Publish(port, part.host_port),),
        readiness=Probe(
            # Docker asks for the first time after one interval; asking costs a process each time.
            probe, asked, ("http-probe", str(asked), probe), interval_seconds=30,
            start_seconds=start_seconds,
        ),
        mounts=(*kept, *mounts),
        watches=True,
        **{
            "reaches_engines": False,
            "writable": {"/tmp": 16},
            "environment": go_runtime(name),
            **more,
        },
        # What it keeps has one owner at a time.
        update=Update.STOP_FIRST,
        drain_seconds=15,
    )  # fmt: skip
