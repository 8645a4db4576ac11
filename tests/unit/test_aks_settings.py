"""What config cannot say about a cluster on Azure: each refusal names value, limit and next step."""

from typing import Any

import pytest

from catalog.errors import KitError
from components.azure_rules import NAMES, check_name
from components.key_vault import Reader, check_vault
from stacks.aks_config import parse_aks
from stacks.aks_plan import plan
from tests.components.aks_stack import CONFIG

LARGE = {"name": "qwen3-14b", "engine": "vllm"}
MODEL = {"name": "phi-4-mini-instruct", "engine": "vllm"}


def parsed(**changes: Any) -> Any:
    """Settings of the tests' config with some keys changed; None takes one away."""
    values = {**CONFIG, **changes}
    return parse_aks({key: value for key, value in values.items() if value is not None})


def pool(**changes: Any) -> list[dict[str, Any]]:
    """One GPU pool."""
    return [{"models": [MODEL], **changes}]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"apiServer": {}}, "a public API server that everybody reaches"),
    ({"apiServer": None}, "a public API server that everybody reaches"),
    ({"apiServer": {"authorizedRanges": ["0.0.0.0/0"]}}, "lets 4,294,967,296 addresses in"),
    ({"apiServer": {"authorizedRanges": ["128.0.0.0/1"]}}, "lets 2,147,483,648 addresses in"),
    ({"apiServer": {"authorizedRanges": ["10.1.0.0/16"]}}, "is private"),
    ({"apiServer": {"authorizedRanges": ["198.51.100.7/24"]}}, "is no IPv4 network"),
    ({"apiServer": {"authorizedRanges": ["2001:db8::/32"]}}, "is no IPv4 network"),
    (
        {"apiServer": {"authorizedRanges": [f"198.51.{n // 256}.{n % 256}/32" for n in range(201)]}},
        "takes 200",
    ),
    ({"apiServer": {"private": True, "authorizedRanges": ["198.51.100.0/24"]}}, "takes none"),
    ({"gpuPools": pool(priority="Spot")}, "what happens to an evicted node is not said"),
    ({"gpuPools": pool(evictionPolicy="Delete")}, "only Spot nodes are evicted"),
    ({"gpuPools": pool(maxUsdPerHour=2)}, "only Spot nodes are evicted"),
    ({"gpuPools": pool(priority="Spot", evictionPolicy="Stop")}, "'Delete' or 'Deallocate'"),
    ({"gpuPools": pool(name="GPU")}, "1 to 12 small letters"),
    ({"gpuPools": pool(name="gpu-pool")}, "1 to 12 small letters"),
    ({"gpuPools": pool(name="thirteenchars")}, "1 to 12 small letters"),
    ({"gpuPools": pool(name="4gpu")}, "a letter first"),
    ({"gpuPools": pool(name="system")}, "is there twice"),
    ({"gpuPools": pool(minNodes=-1)}, "takes 0 to 1000"),
    ({"gpuPools": pool(minNodes=2, maxNodes=1)}, "must be 2"),
    ({"gpuPools": pool(maxNodes=0)}, "at least 1"),
    ({"gpuPools": pool(maxNodes=1001)}, "to 1000"),
    ({"gpuPools": pool(mig="MIG1g")}, "which GPU is cut is not said"),
    (
        {"gpuPools": pool(mig="MIG1g", sku="Standard_NC24ads_A100_v4", maxNodes=2)},
        "minNodes 0 and maxNodes 2 of pool gpu with mig: AKS does not scale a pool whose GPUs are cut",
    ),
    (
        {"gpuPools": pool(mig="MIG1g", sku="Standard_NC24ads_A100_v4", minNodes=1, maxNodes=2)},
        "Set both to the same number, such as 2; or remove mig",
    ),
    ({"gpuPools": pool(mig="MIG5g", sku="Standard_NC24ads_A100_v4")}, "MIG"),
    ({"gpuPools": [{"models": []}]}, "at least 1 item"),
    ({"gpuPools": pool(zones=["4"])}, "pattern"),
    ({"systemPool": {"minNodes": 0}}, "takes 1 to 1000"),
    ({"systemPool": {"sku": "Standard_D4ds_v6"}}, "Did you mean Standard_D4ds_v5"),
    ({"workPool": {"sku": "Standard_Nothing"}}, "not in the catalog"),
    ({"workPool": {"sku": "Standard_NC4as_T4_v3"}}, "of pool work: has GPUs"),
    ({"systemPool": {"sku": "Standard_NC4as_T4_v3"}}, "of pool system: has GPUs"),
    (
        {"workPool": {"priority": "Spot", "evictionPolicy": "Delete"}},
        "pool work with priority Spot: AKS taints Spot nodes, and nothing that this pool is for tolerates",
    ),
    ({"clusterName": "-a"}, "with a letter or digit at both ends"),
    ({"registry": {"name": "my-registry"}}, "5 to 50 letters and digits"),
    ({"vault": {"name": "a--vault"}}, "single -"),
    ({"vault": {"name": "v" * 25}}, "3 to 24"),
    ({"vault": {"retentionDays": 6}}, "greater than or equal to 7"),
    ({"maintenance": {"hours": 3}}, "greater than or equal to 4"),
    ({"maintenance": {"start": "24:00"}}, "pattern"),
    ({"maintenance": {"utcOffset": "01:00"}}, "pattern"),
    ({"maintenance": {"kubernetes": "fast"}}, "'patch'"),
    ({"kubernetesVersion": "1.34.2"}, "Write 1.34, or set maintenance.kubernetes to node-image or none"),
    (
        {"kubernetesVersion": "1.34", "maintenance": {"kubernetes": "stable"}},
        "kubernetesVersion 1.34 with maintenance.kubernetes stable: that channel goes on to later minor",
    ),
    (
        {"kubernetesVersion": "1.34.2", "maintenance": {"kubernetes": "rapid"}},
        "Remove kubernetesVersion, or set maintenance.kubernetes to patch",
    ),
    ({"network": {"podCidr": "10.240.0.0/20"}}, "overlaps"),
    ({"network": {"addressSpace": "10.240.0.0/24"}}, "must be /8 to /18"),
    ({"operators": []}, "at least 1 item"),
    ({"operators": [{"objectId": "admins"}]}, "pattern"),
    ({"subscriptionId": None}, "subscriptionId: Field required"),
    ({"tags": {"a/b": "c"}}, "pattern"),
    ({"tags": {f"t{n}": "" for n in range(46)}}, "at most 45"),
    ({"gpuPool": []}, "Did you mean gpuPools"),
    ({"gpuPools": pool(size="large")}, "there is no such setting"),
]


@pytest.mark.parametrize(("changes", "words"), REFUSED)
def test_what_azure_or_the_kit_would_not_take_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(KitError) as refusal:
        parsed(**changes)
    assert words in str(refusal.value)
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize(
    ("version", "channel"),
    [
        ("1.34", "patch"), ("1.34", "none"), ("1.34.2", "none"), ("1.34.2", "node-image"),
        (None, "stable"), (None, "rapid"),
    ],
)  # fmt: skip
def test_a_version_stays_where_no_automatic_upgrade_goes_past_it(version: str | None, channel: str) -> None:
    settings = parsed(kubernetesVersion=version, maintenance={"kubernetes": channel})
    assert settings.kubernetes_version == version


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            pool(sku="Standard_NC4as_T4_v3", models=[{**LARGE, "contextLength": 16384}]),
            "model qwen3-14b on pool gpu (Standard_NC4as_T4_v3)",
        ),
        (pool(sku="Standard_D4ds_v5"), "has no GPU"),
        (pool(sku="Standard_NC4as_T4_v3", mig="MIG1g", minNodes=1), "cannot be cut into instances"),
        (
            pool(models=[{"name": "gemma-3-27b-it", "contextLength": 131072, "concurrency": 64}]),
            "no size of catalog/azure_skus.yaml holds its models",
        ),
    ],
)
def test_a_gpu_pool_that_no_model_fits_on_is_refused(changes: Any, words: str) -> None:
    with pytest.raises(KitError) as refusal:
        plan(parsed(gpuPools=changes))
    assert words in str(refusal.value)


@pytest.mark.parametrize("sku", [None, "Standard_NC4as_T4_v3"])
def test_a_model_that_is_none_is_said_to_be_none_and_not_too_large(sku: str | None) -> None:
    named = {} if sku is None else {"sku": sku}
    with pytest.raises(KitError, match=r"^model 'phi-4-mini-instrukt'.*Did you mean phi-4-mini-instruct"):
        plan(parsed(gpuPools=pool(models=[{"name": "phi-4-mini-instrukt"}], **named)))


GOOD = {
    "cluster": "a_B-9", "dnsPrefix": "aks-1", "pool": "gpu1", "registry": "kit12", "vault": "a-1",
    "secret": "hub-token", "namespace": "slm",
}  # fmt: skip


def test_names_of_the_pattern_pass_and_longer_ones_do_not() -> None:
    assert GOOD.keys() == NAMES.keys()
    for kind, name in GOOD.items():
        check_name(kind, name)
        with pytest.raises(KitError, match=kind):
            check_name(kind, "a" * 128)
        with pytest.raises(KitError, match=kind):
            check_name(kind, f"{name}\n")


@pytest.mark.parametrize(
    ("readers", "secrets", "words"),
    [
        ([Reader("slm", "gateway", ("keys",))], {}, "has no value for 'keys'"),
        ([], {"keys": None}, "nobody reads it"),
        ([Reader("slm", "gateway", ())], {}, "reads nothing"),
        ([Reader("slm", "g", ("a",)), Reader("slm", "g", ("a",))], {"a": None}, "is listed twice"),
        ([Reader("SLM", "gateway", ("a",))], {"a": None}, "namespace name"),
        ([Reader("slm", "gateway", ("a_b",))], {"a_b": None}, "secret name"),
    ],
)
def test_a_secret_has_a_value_and_a_reader(readers: Any, secrets: Any, words: str) -> None:
    with pytest.raises(KitError, match=words):
        check_vault(readers, secrets)
