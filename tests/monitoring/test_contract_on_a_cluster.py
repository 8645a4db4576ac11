"""The metric contract for what a cluster alone has: claims that programs tell of, GPUs of several nodes, the
gateway's certificate."""

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from monitoring import prometheus
from monitoring.recording import rules_of
from monitoring.vocabulary import For, series_of
from monitoring.watched import ADDRESSES
from tests.monitoring import data_gpu
from tests.monitoring.contract import empty, evaluate, looked_at, rule_queries
from tests.monitoring.data_served import Served
from tests.monitoring.data_stacks import GIB, STACKS, promtool
from tests.monitoring.rule_cases import TEST, Cases, files_of

pytestmark = pytest.mark.docker

GPUS = STACKS["on a cluster, with GPUs"]


def _gpu(field: str, node: str) -> str:
    return f'DCGM_FI_DEV_{field}{{job="gpu",gpu="0",modelName="T4",Hostname="{node}",instance="{node}:9400"}}'


def _certificate(edge: str) -> str:
    # As tests/docker/test_gateway_tls.py reads it.
    name = f"slm_gateway_certificate_{edge}_timestamp_seconds"
    return f'{name}{{job="certificate",instance="gateway:8405"}}'


CASES: Cases = {
    "the gateway's certificate has an end and a time": (
        [(_certificate("not_before"), "1700000000x40"), (_certificate("not_after"), "1707776000x40")],
        [
            ("5m", "slm:gateway_certificate_expiry_timestamp_seconds", 1_707_776_000),
            ("5m", "slm:gateway_certificate_validity_seconds", 90 * 86_400),
        ],
    ),
    "volumes of a cluster are as full as programs tell, Prometheus' against the size of its claim": (
        [
            (f'prometheus_tsdb_{part}_bytes{{job="prometheus",instance="prometheus:9090"}}', f"{size}x40")
            for part, size in (
                ("storage_blocks", 5 * GIB),
                ("wal_storage_size", GIB),
                ("head_chunks_storage_size", GIB),
            )
        ]
        + [('loki_ingester_wal_disk_usage_percent{job="loki",instance="loki:3100"}', "0.25x40")],
        [
            ("5m", 'slm:disk_used:ratio{volume="prometheus"}', 0.875),
            ("5m", 'slm:disk_used:ratio{volume="loki"}', 0.25),
            ("5m", "count(slm:disk_used:ratio)", 2),
        ],
    ),
    "each node has a GPU 0, and they are two": (
        [(_gpu("XID_ERRORS", "a"), "0x40"), (_gpu("XID_ERRORS", "b"), "79x40")],
        [
            ("5m", "count(slm:gpu_xid)", 2),
            ("5m", 'slm:gpu_xid{gpu="a/0",gpu_model="T4"}', 0),
            ("5m", 'slm:gpu_xid{gpu="b/0",gpu_model="T4"}', 79),
        ],
    ),
}


def test_rules_make_of_given_series_what_they_should(
    docker_client: docker.DockerClient, prometheus_image: str, test_label: dict[str, str], tmp_path: Path
) -> None:
    files = files_of(GPUS, CASES)
    said = promtool(docker_client, prometheus_image, tmp_path, files, *TEST, labels=test_label)
    assert "SUCCESS" in said
    assert "FAILED" not in said


@pytest.fixture(scope="module")
def served(
    docker_client: docker.DockerClient,
    gateway_images: tuple[str, str],
    prometheus_image: str,
    test_label: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """A Prometheus that has found the exporter of one node by the name of all."""
    folder = tmp_path_factory.mktemp("served")
    folder.chmod(0o755)
    served = Served(docker_client, gateway_images[1], test_label, folder)
    assert GPUS.cluster is not None
    served.source(f"{GPUS.cluster.gpu_exporter}:{ADDRESSES.gpu.rpartition(':')[2]}", data_gpu.scrape())
    groups = [group for group in rules_of(GPUS) if group.name == "gpu"]
    served.prometheus(prometheus_image, prometheus.render(GPUS), groups)
    served.wait('up{job="gpu"}', lambda value: value == 1)
    served.wait("count_over_time(slm:gpu_xid[1m])", lambda evaluations: evaluations >= 2)
    yield served
    served.close()


def test_every_rule_about_gpus_resolves_on_what_the_name_of_the_exporters_leads_to(served: Served) -> None:
    queries = rule_queries(group for group in rules_of(GPUS) if group.name == "gpu")
    assert len(queries) == len([each for each in series_of(GPUS) if each.exists_for is For.GPU]) > 5
    assert empty(evaluate([*queries, *looked_at(queries)], served.url)) == []


def test_values_are_those_of_the_scrape_by_node_and_gpu(served: Served) -> None:
    values = {"made-up/0": 0.73, "made-up/1": 0.7}
    found = {
        each["metric"]["gpu"]: float(each["value"][1]) for each in served.ask("slm:gpu_utilization:ratio")
    }
    assert found == pytest.approx(values)
    for series in (each for each in series_of(GPUS) if each.exists_for is For.GPU):
        for each in served.ask(series.name):
            assert set(each["metric"]) == {"__name__", *series.labels}, series.name
