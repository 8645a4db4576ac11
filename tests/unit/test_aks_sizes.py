"""Sizes of Azure machines, what fits on them and what a month costs."""

from typing import Any

import pytest

from catalog.azure_skus import MIG_PROFILES, azure_skus, cut, find
from catalog.errors import KitError
from catalog.hardware import hardware
from stacks.aks_config import parse_aks
from stacks.aks_plan import AksPlan, CostRow, as_cost, cost_table, plan
from tests.components.aks_stack import CONFIG

A100 = "Standard_NC24ads_A100_v4"


def made(*pools: dict[str, Any], **changes: Any) -> AksPlan:
    """The plan of the tests' config with these GPU pools."""
    return plan(parse_aks({**CONFIG, "gpuPools": list(pools), **changes}))


def test_every_gpu_that_azure_rents_has_its_size() -> None:
    offered = {offer.sku: (gpu.name, offer.gpus) for gpu in hardware().values() for offer in gpu.offers}
    known = {e.name: (e.gpu.name, e.gpus) for e in azure_skus().values() if e.gpu is not None}
    assert known == offered


def test_a_size_is_found_however_it_is_written_and_a_wrong_one_gets_the_nearest() -> None:
    assert find("standard_nc24ads_a100_v4").name == A100
    with pytest.raises(KitError, match="Did you mean Standard_NC24ads_A100_v4"):
        find("Standard_NC24ads_A100_v5")


@pytest.mark.parametrize("profile", MIG_PROFILES)
def test_instances_of_a_gpu_never_have_more_memory_than_the_gpu(profile: Any) -> None:
    whole, count = cut(find(A100), None)
    part, instances = cut(find(A100), profile)
    assert count == 1
    assert part.memory_mib * instances <= whole.memory_mib
    assert part.gpu_counts == (1,)


def test_a_model_that_fits_on_the_gpu_need_not_fit_on_an_instance() -> None:
    model = {"name": "qwen3-14b", "engine": "vllm"}
    assert made({"sku": A100, "models": [model]}).pools[0].allocatable == 1
    with pytest.raises(KitError, match="MIG1g"):
        made({"sku": A100, "mig": "MIG1g", "minNodes": 1, "models": [model]})


def test_the_cheapest_size_is_taken_and_no_cheaper_one_fits() -> None:
    load = {"contextLength": 8192, "concurrency": 8}
    pool = {"models": [{"name": "phi-4-mini-instruct", "engine": "vllm", **load}]}
    chosen = made(pool).pools[0].sku
    cheaper = [
        each
        for each in azure_skus().values()
        if each.gpu is not None and (each.usd_per_hour or 0) < (chosen.usd_per_hour or 0)
    ]
    assert cheaper, "the test needs a size that is too small"
    for each in cheaper:
        with pytest.raises(KitError):
            made({**pool, "sku": each.name})


def test_costs_are_nodes_times_price_and_nothing_while_a_pool_sleeps() -> None:
    rows = {
        row.pool: row for row in made({"sku": A100, "maxNodes": 3, "models": [{"name": "qwen3-14b"}]}).costs
    }
    assert rows["gpu"].least == 0
    assert rows["gpu"].most == pytest.approx(3 * 3.673 * 730)
    assert rows["gpu"].vcpus == 72
    assert rows["system"].least == pytest.approx(2 * 0.226 * 730)
    assert rows["control plane"].most == pytest.approx(73)


def test_nodes_whose_gpus_are_cut_are_paid_for_while_nobody_asks() -> None:
    pool = {"sku": A100, "mig": "MIG3g", "minNodes": 2, "maxNodes": 2, "models": [{"name": "qwen3-0.6b"}]}
    (row,) = (row for row in made(pool).costs if row.pool == "gpu")
    assert row.least == row.most == pytest.approx(2 * 3.673 * 730)


def test_what_has_no_price_is_unknown_and_so_is_the_sum() -> None:
    costs = made(workPool={"sku": "Standard_D2ds_v5"}).costs
    assert as_cost(costs) == {"leastUsdPerMonth": None, "mostUsdPerMonth": None}
    assert "unknown" in cost_table(costs)


def test_the_sum_is_of_all_rows_and_the_table_shows_it() -> None:
    rows = [CostRow("a", "x", 0, 1, 4, 0.0, 100.0), CostRow("b", "y", 1, 1, 4, 50.0, 50.0)]
    assert as_cost(rows) == {"leastUsdPerMonth": 50.0, "mostUsdPerMonth": 150.0}
    assert cost_table(rows).splitlines()[3].split() == ["all", "50", "150"]


def test_tables_fit_a_terminal() -> None:
    text = made({"models": [{"name": "phi-4-mini-instruct"}]}).table
    assert max(map(len, text.splitlines())) <= 120
