"""The device plugin and the exporter of GPU nodes, as manifests."""

from functools import cache
from typing import Any

from monitoring.gpu import counters
from rehearsal import Rendering, render
from tests.components.aks_stack import plain, pools
from tests.conftest import ROOT


@cache
def rendering() -> Rendering:
    """The plugins of a cluster with cut GPUs."""
    return render(ROOT / "tests" / "data" / "gpu_plugins_program", "prod")


def pod(name: str) -> dict[str, Any]:
    """The pod of one DaemonSet."""
    found: dict[str, Any] = rendering().named(name).inputs["spec"]["template"]["spec"]
    return found


def test_both_run_on_every_gpu_node_that_the_kit_makes_and_on_no_other() -> None:
    pool = pools(plain())["gpu"]
    for name in ("gpu-device-plugin", "gpu-gpu-exporter"):
        required = pod(name)["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        ((rule,),) = (term["matchExpressions"] for term in required["nodeSelectorTerms"])
        assert rule["operator"] == "In"
        assert rule["values"] == [pool["nodeLabels"][rule["key"]]]
        (taint,) = pool["nodeTaints"]
        (tolerated,) = pod(name)["tolerations"]
        assert f"{tolerated['key']}={tolerated['value']}:{tolerated['effect']}" == taint
        assert tolerated["operator"] == "Equal"


def test_the_plugin_meets_the_kubelet_where_it_looks_for_plugins() -> None:
    (container,) = pod("gpu-device-plugin")["containers"]
    (volume,) = pod("gpu-device-plugin")["volumes"]
    (mount,) = container["volumeMounts"]
    # kubernetes.io, Device Plugins: sockets lie in /var/lib/kubelet/device-plugins/.
    assert volume["hostPath"]["path"] == mount["mountPath"] == "/var/lib/kubelet/device-plugins"
    assert {"name": "MIG_STRATEGY", "value": "single"} in container["env"]


def test_neither_has_more_rights_than_it_needs() -> None:
    for name in ("gpu-device-plugin", "gpu-gpu-exporter"):
        (container,) = pod(name)["containers"]
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert pod(name)["automountServiceAccountToken"] is False
        assert pod(name)["enableServiceLinks"] is False
        assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]
    (exporter,) = pod("gpu-gpu-exporter")["containers"]
    assert exporter["securityContext"]["runAsNonRoot"] is True
    assert exporter["securityContext"]["readOnlyRootFilesystem"] is True


def test_nothing_reaches_them_but_who_asks_for_metrics() -> None:
    (policy,) = rendering().of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    spec = policy.inputs["spec"]
    assert spec["podSelector"] == {}
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
    assert spec.get("egress", []) == []
    (rule,) = spec["ingress"]
    assert [each["port"] for each in rule["ports"]] == [9400]
    (peer,) = rule["from"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "slm"}


def test_the_exporter_reads_the_kits_counters() -> None:
    (config,) = rendering().of_type("kubernetes:core/v1:ConfigMap")
    assert config.inputs["data"] == {"dcgm_counters.csv": counters()}
