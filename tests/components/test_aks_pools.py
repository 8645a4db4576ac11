"""Pools as rendered: agentPools of Microsoft.ContainerService 2025-09-01.

Reference: learn.microsoft.com/rest/api/aks/agent-pools/create-or-update?view=rest-aks-2025-09-01.
"""

import re

from catalog.azure_skus import azure_skus
from tests.components.aks_stack import cluster, full, plain, pools, render_aks, source_of

ENUMS = {
    "mode": {"System", "User", "Gateway"},
    "type": {"VirtualMachineScaleSets", "AvailabilitySet", "VirtualMachines"},
    "osType": {"Linux", "Windows"},
    "osDiskType": {"Managed", "Ephemeral"},
    "scaleSetPriority": {"Spot", "Regular"},
    "scaleSetEvictionPolicy": {"Delete", "Deallocate"},
    "gpuInstanceProfile": {"MIG1g", "MIG2g", "MIG3g", "MIG4g", "MIG7g"},
}
LABEL = re.compile(r"([a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
"""Names of labels, and values too (kubernetes.io, Labels and Selectors)."""


def test_every_pool_keeps_to_the_values_names_and_bounds_of_the_reference() -> None:
    for name, pool in pools(full()).items():
        assert re.fullmatch(r"[a-z][a-z0-9]{0,11}", name)
        if pool["enableAutoScaling"]:
            assert 0 <= pool["minCount"] <= pool["maxCount"] <= 1000
        for field, allowed in ENUMS.items():
            assert pool.get(field, next(iter(allowed))) in allowed, (name, field)


def test_a_gpu_pool_sleeps_at_zero_and_is_tainted_and_labelled() -> None:
    pool = pools(plain())["gpu"]
    assert (pool["minCount"], pool["maxCount"]) == (0, 2)
    assert pool["nodeTaints"] == ["sku=gpu:NoSchedule"]
    assert pool["gpuProfile"] == {"driver": "Install"}
    gpu = azure_skus()[pool["vmSize"]].gpu
    assert gpu is not None
    assert pool["nodeLabels"] == {"slm-kit.pool": "gpu", "slm-kit.gpu": gpu.name}
    for key, value in pool["nodeLabels"].items():
        assert LABEL.fullmatch(key)
        assert LABEL.fullmatch(value)


def test_the_work_pool_takes_what_needs_no_gpu() -> None:
    pool = pools(plain())["work"]
    assert pool.get("nodeTaints", []) == []
    assert "gpuProfile" not in pool
    assert pool["mode"] == "User"
    assert pool["minCount"] >= 1, "the gateway is always there"


def test_spot_has_its_eviction_policy_and_price_and_regular_has_neither() -> None:
    spot, regular = (pools(full())[name] for name in ("spot", "gpu"))
    assert (spot["scaleSetPriority"], spot["scaleSetEvictionPolicy"]) == ("Spot", "Delete")
    # "-1 which indicates default price to be up-to on-demand"
    assert spot["spotMaxPrice"] == -1
    assert regular["scaleSetPriority"] == "Regular"
    assert "scaleSetEvictionPolicy" not in regular
    assert "spotMaxPrice" not in regular


def test_an_upgrade_needs_no_quota_for_a_further_gpu() -> None:
    settings = pools(plain())["gpu"]["upgradeSettings"]
    # "maxSurge and maxUnavailable must not both be 0"
    assert settings == {"maxSurge": "0", "maxUnavailable": "1"}


def test_an_upgrade_of_the_work_pool_brings_a_node_before_it_takes_one() -> None:
    assert pools(plain())["work"]["upgradeSettings"] == {"maxSurge": "1"}
    assert "upgradeSettings" not in pools(full())["spot"]


def test_a_cut_gpu_is_asked_for_where_config_says_so_and_told_to_the_workload_layer() -> None:
    assert pools(full())["spot"]["gpuInstanceProfile"] == "MIG3g"
    assert "gpuInstanceProfile" not in pools(full())["gpu"]
    told = {each["name"]: each for each in full().outputs["gpuPools"]}
    assert told["spot"]["gpusPerNode"] == 2, "an A100 is two instances of MIG3g"
    assert (told["spot"]["mig"], told["spot"]["spot"]) == ("MIG3g", True)
    assert told["spot"]["nodeSelector"] == pools(full())["spot"]["nodeLabels"]
    assert told["gpu"]["taint"] in pools(full())["gpu"]["nodeTaints"]


def test_the_autoscaler_owns_the_count_of_each_pool_whose_gpus_are_whole() -> None:
    for each in plain().of_type("azure-native:containerservice:AgentPool"):
        assert each.inputs["enableAutoScaling"] is True
        assert "count" not in each.inputs, "an update would ask for it"


def test_a_pool_whose_gpus_are_cut_has_the_count_of_the_config_and_no_autoscaler() -> None:
    # "You can't use Cluster Autoscaler with multi-instance node pools." (Azure/AKS#4216)
    cut = pools(full())["spot"]
    assert (cut["count"], cut["enableAutoScaling"]) == (1, False)
    assert cut.keys().isdisjoint({"minCount", "maxCount"})


def test_pools_follow_the_clusters_version_after_it_and_the_inline_pool_names_none() -> None:
    made = render_aks(kubernetesVersion="1.34")
    assert cluster(made)["kubernetesVersion"] == "1.34"
    for name, pool in pools(made).items():
        assert pool["orchestratorVersion"] == "1.34", name
    for each in made.of_type("azure-native:containerservice:AgentPool"):
        # "The node pool version cannot be greater than the control plane version."
        assert source_of(each, "resourceName") == {"aks"}
    # A PUT of the cluster takes the versions of all pools or of none (azure-cli#22807): this one is alone.
    assert "orchestratorVersion" not in cluster(made)["agentPoolProfiles"][0]


def test_pools_without_a_version_take_the_clusters() -> None:
    assert "kubernetesVersion" not in cluster(plain())
    assert not [name for name, pool in pools(plain()).items() if "orchestratorVersion" in pool]


def test_the_size_is_the_cheapest_that_holds_every_model_of_the_pool() -> None:
    small, large = (
        pools(render_aks(gpuPools=[{"models": [{"name": name, "engine": "vllm", "contextLength": 16384}]}]))[
            "gpu"
        ]["vmSize"]
        for name in ("qwen3-0.6b", "phi-4")
    )
    cost = {each.name: each.usd_per_hour or 0 for each in azure_skus().values()}
    assert cost[small] < cost[large]


def test_sizes_and_a_months_cost_are_printed_and_given_as_outputs() -> None:
    made = full()
    assert "phi-4-mini-instruct" in made.log
    assert "$/month" in made.log
    assert {row["name"] for row in made.outputs["sizing"]} == {"phi-4-mini-instruct"}
    cost = made.outputs["cost"]
    assert 0 < cost["leastUsdPerMonth"] < cost["mostUsdPerMonth"]
