"""Which nodes the pods of a platform may be on, and why together."""

import re
from pathlib import Path

from tests.components.kubernetes_program import (
    CLAIM,
    MODEL,
    one,
    pods,
    rendered,
)

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def test_volumes_that_several_workloads_share_can_be_on_several_nodes(tmp_path: Path) -> None:
    shared = rendered(
        tmp_path,
        shared_access="ReadWriteMany",
        storage_class="files",
        disk_class="disks",
        volume_gib={"models": 100},
    )
    claims = {each.name: each.inputs["spec"] for each in shared.of_type(CLAIM)}
    assert claims["models"]["accessModes"] == ["ReadWriteMany"]
    assert claims["models"]["storageClassName"] == "files"
    assert claims["models"]["resources"]["requests"]["storage"] == "100Gi"
    assert claims["prometheus-data"]["accessModes"] == ["ReadWriteOnce"]
    assert claims["prometheus-data"]["storageClassName"] == "disks", "none of a file share"
    # A claim's class and access cannot be changed: others are another claim.
    name = one(shared, CLAIM, "models").inputs["metadata"]["name"]
    assert re.fullmatch(r"slm-kit-test-models-[0-9a-f]{8}", name)
    for pod in pods(shared).values():
        assert "affinity" not in pod["spec"]
    (spread,) = pods(shared)[MODEL]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"].items() <= pods(shared)[MODEL]["metadata"]["labels"].items()


def test_all_that_mount_a_store_of_one_node_are_on_one_node(tmp_path: Path) -> None:
    rendering = rendered(tmp_path)
    together = {}
    for name, pod in pods(rendering).items():
        for term in pod["spec"].get("affinity", {}).get("podAffinity", {}).get(REQUIRED, ()):
            assert term["topologyKey"] == "kubernetes.io/hostname"
            chosen = term["labelSelector"]["matchLabels"]
            assert chosen.items() <= pod["metadata"]["labels"].items(), "the first one would wait for ever"
            assert "topologySpreadConstraints" not in pod["spec"]
            together[name] = chosen
        for term in pod["spec"].get("affinity", {}).get("podAntiAffinity", {}).get(REQUIRED, ()):
            # Only for the scheduler to look again when one of them went.
            assert term["topologyKey"] == "slm-kit.no-place"
            assert term["labelSelector"]["matchLabels"] == together[name]
    store = one(rendering, CLAIM, "models").inputs["metadata"]["name"]
    mounting = {
        name
        for name, pod in pods(rendering).items()
        for each in pod["spec"]["volumes"]
        if each.get("persistentVolumeClaim", {}).get("claimName") == store
    }
    assert mounting >= {MODEL, "ollama", "qwen3-0-6b", f"models-{MODEL}-onnx-int4"}
    assert together.keys() == mounting
    assert len({tuple(sorted(each.items())) for each in together.values()}) == 1


def test_a_workload_can_be_sent_to_its_nodes(tmp_path: Path) -> None:
    spot = {
        "key": "kubernetes.azure.com/scalesetpriority",
        "operator": "Equal",
        "value": "spot",
        "effect": "NoSchedule",
    }
    placed = rendered(
        tmp_path,
        node_selectors={MODEL: {"pool": "cpu"}},
        tolerations={MODEL: [spot]},
        priority_classes={MODEL: "high"},
    )
    spec = pods(placed)[MODEL]["spec"]
    assert spec["nodeSelector"] == {"pool": "cpu"}
    assert spec["tolerations"] == [spot]
    assert spec["priorityClassName"] == "high"
