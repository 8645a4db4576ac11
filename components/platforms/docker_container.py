"""Pure translation of a Workload into arguments of a Docker container."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_docker as docker

from components.workload import Kind, Probe, Workload

JOB_TIMEOUT_SECONDS = 3600
"""How long a job may run: a model of 16 GB at 5 MB/s."""


def label_list(labels: Mapping[str, pulumi.Input[str]]) -> list[Any]:
    """Labels as the provider wants them for every type, in a stable order for a quiet diff."""
    return [{"label": key, "value": labels[key]} for key in sorted(labels)]


def confined(user: int, memory_mib: int, cpus: float) -> dict[str, Any]:
    """What every container of the kit has in common, writable root or not."""
    return {
        "user": f"{user}:{user}",
        "capabilities": {"drops": ["ALL"]},
        "security_opts": ["no-new-privileges:true"],
        "memory": memory_mib,
        # Equal to memory: no swap, so a limit is a limit.
        "memory_swap": memory_mib,
        "cpus": cpu_count(cpus),
        "log_driver": "json-file",
        "log_opts": {"max-size": "10m", "max-file": "3"},
    }


def shipped_logs(address: str) -> dict[str, Any]:
    """Logging to a collector (Fluentd's forward protocol at `address`, host:port) that need not be there.

    The container never waits for it: at most 8,192 lines wait in the engine's memory, the next ones are lost.
    After 20 attempts (11 minutes) the oldest line is given up and the wait, then 60 s, begins anew; without a
    bound it overflows after some 90 attempts and the engine tries without a pause (fluent-logger-golang 1.8).
    No acknowledgements: closing a logger that waits for one can panic, and take the engine with it.
    `docker logs` reads the engine's own copy, which has the size of a json-file log.
    """
    return {
        "log_driver": "fluentd",
        "log_opts": {
            "fluentd-address": f"tcp://{address}",
            "fluentd-async": "true",
            "fluentd-buffer-limit": "8192",
            "fluentd-max-retries": "20",
            "fluentd-retry-wait": "1s",
            "fluentd-sub-second-precision": "true",
            "labels": "slm-kit.stack,slm-kit.workload",
            "cache-max-size": "10m",
            "cache-max-file": "3",
        },
    }


def cpu_count(cpus: float) -> str:
    """Processors as Docker's provider reads them back; another spelling is a change in every preview."""
    digits = f"{cpus:.9f}"
    return f"{cpus:.1f}" if digits.count("0") == 9 else digits.rstrip("0").rstrip(".")


def duration(seconds: int) -> str:
    """Seconds as Docker's provider reads them back: Go's form, 90 is `1m30s`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def hardened(workload: Workload) -> dict[str, Any]:
    """Confinement of a workload: read-only root, memory file systems where it may write."""
    resources = workload.resources
    return {
        **confined(workload.user, resources.memory_mib, resources.cpus),
        "read_only": True,
        "shm_size": resources.shared_memory_mib,
        "tmpfs": {
            path: f"rw,noexec,nosuid,nodev,size={mib}m,mode=0700,uid={workload.user},gid={workload.user}"
            for path, mib in sorted(workload.writable.items())
        },
    }


def cpu_weight(workload: Workload) -> dict[str, Any]:
    """What watches gives way to what serves: an eighth of Docker's default weight for processor time."""
    return {"cpu_shares": 128} if workload.watches else {}


def run_settings(workload: Workload) -> dict[str, Any]:
    """How the container is started, watched, stopped and started again."""
    if workload.kind is Kind.JOB:
        return {"must_run": False, "attach": True, "restart": "no"}
    settings: dict[str, Any] = {
        "restart": "unless-stopped",
        "stop_timeout": workload.drain_seconds,
        "destroy_grace_seconds": workload.drain_seconds,
    }
    if workload.readiness is not None:
        settings |= {
            "healthcheck": _healthcheck(workload.readiness),
            "wait": True,
            "wait_timeout": workload.readiness.start_seconds,
        }
    return settings


def finished(job: docker.Container) -> pulumi.Output[str]:
    """The id of a one-shot container that ended well.

    Docker's provider waits for the end of an attached container and does not mind how it ended, so
    the exit code is looked at here. Raises RunError, which fails the update.
    """

    def id_of(known: Sequence[Any]) -> str:
        container, name, code = known
        if code:
            raise pulumi.RunError(f"{name} ended with exit code {code}; see `docker logs {name}`.")
        return str(container)

    return pulumi.Output.all(job.id, job.name, job.exit_code).apply(id_of)


def _healthcheck(probe: Probe) -> docker.ContainerHealthcheckArgsDict:
    return {
        "tests": ["CMD", *probe.command],
        "interval": duration(probe.interval_seconds),
        "timeout": duration(probe.timeout_seconds),
        "start_period": duration(probe.start_seconds),
        "retries": probe.failures,
    }
