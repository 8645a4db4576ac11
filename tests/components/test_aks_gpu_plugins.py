"""The device plugin and the exporter of GPU nodes, as manifests."""

from functools import cache
from typing import Any

from monitoring.gpu import counters
from rehearsal import Rendering, render
from tests.components.aks_stack import plain, pools
from tests.conftest import ROOT


@cache
def rendering(stack: str = "prod") -> Rendering:
    """The plugins of a cluster; in the stack `cut` its GPUs are."""
    return render(ROOT / "tests" / "data" / "gpu_plugins_program", stack)


def pod(name: str, stack: str = "prod") -> dict[str, Any]:
    """The pod of one DaemonSet."""
    found: dict[str, Any] = rendering(stack).named(name).inputs["spec"]["template"]["spec"]
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
    assert {"name": "MIG_STRATEGY", "value": "none"} in container["env"]


def test_where_gpus_are_cut_the_plugin_may_look_at_their_parts_and_the_exporter_gets_no_more() -> None:
    (container,) = pod("gpu-device-plugin", "cut")["containers"]
    env = {each["name"]: each["value"] for each in container["env"]}
    # The chart of k8s-device-plugin sets both, and this one capability, for any strategy but `none`.
    assert (env["MIG_STRATEGY"], env["NVIDIA_MIG_MONITOR_DEVICES"]) == ("single", "all")
    context = container["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"], "add": ["SYS_ADMIN"]}
    assert context["allowPrivilegeEscalation"] is True, "an API server refuses SYS_ADMIN without it"
    assert pod("gpu-gpu-exporter", "cut") == pod("gpu-gpu-exporter")


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


def test_prometheus_finds_the_exporter_of_each_node_by_name_and_its_metrics_name_the_node() -> None:
    (service,) = rendering().of_type("kubernetes:core/v1:Service")
    metadata, spec = service.inputs["metadata"], service.inputs["spec"]
    assert (metadata["name"], metadata["namespace"]) == ("gpu-exporter", "slm-gpu")
    assert spec["clusterIP"] == "None"
    labels = rendering().named("gpu-gpu-exporter").inputs["spec"]["template"]["metadata"]["labels"]
    assert spec["selector"].items() <= labels.items()
    (container,) = pod("gpu-gpu-exporter")["containers"]
    (name,) = (each for each in container["env"] if each["name"] == "NODE_NAME")
    assert name["valueFrom"]["fieldRef"]["fieldPath"] == "spec.nodeName"


def test_the_exporter_reads_the_kits_counters() -> None:
    (config,) = rendering().of_type("kubernetes:core/v1:ConfigMap")
    assert config.inputs["data"] == {"dcgm_counters.csv": counters()}
