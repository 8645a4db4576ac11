"""The hardware catalog: what it says of each machine, and what it refuses."""

import pytest
from pydantic import ValidationError

from catalog import hardware
from catalog.errors import KitError
from catalog.hardware import Hardware

ALL = list(hardware.hardware().values())


def test_the_machines_of_the_field_are_there() -> None:
    names = set(hardware.hardware())
    assert names >= {"t4", "a10", "l4", "a100-40", "a100-80", "h100-80", "h100-94"}
    assert names >= {"orin-nano-8", "orin-nx-16", "agx-orin-64"}
    assert names >= {"rtx-4060", "rtx-3060", "rtx-4060-ti", "rtx-3090", "rtx-4090", "rtx-5090"}
    assert names >= {"cpu-2", "cpu-8", "cpu-16"}


@pytest.mark.parametrize("machine", ALL, ids=lambda machine: machine.name)
def test_every_number_names_its_source_and_every_price_its_date(machine: Hardware) -> None:
    assert machine.facts
    for offer in machine.offers:
        assert offer.source
        assert offer.region
        assert offer.as_of >= "2024-01"


@pytest.mark.parametrize("machine", ALL, ids=lambda machine: machine.name)
def test_no_machine_gives_more_memory_than_its_name_says(machine: Hardware) -> None:
    nominal = int(machine.title.split(" GB")[0].rpartition(" ")[2])
    assert 0.85 * nominal < machine.memory_mib / 1024 <= nominal
    assert machine.usable < machine.memory_mib * 1024 * 1024 + 1


def test_a_t4_has_no_bfloat16_and_later_gpus_have() -> None:
    assert [hardware.find(name).bf16 for name in ("t4", "a100-80", "l4")] == [False, True, True]


def test_a_machine_with_fewer_gpus_than_are_offered_gives_no_more() -> None:
    assert hardware.find("a100-80").with_gpus(2).gpu_counts == (1, 2)
    assert hardware.find("rtx-4090").with_gpus(2).gpu_counts == (1, 2)


def test_nothing_is_known_of_a_machine_that_nobody_looked_at() -> None:
    machine = hardware.this_machine(None, None, reserved_mib=512)
    assert not machine.memory_known
    assert machine.title == "this machine"
    assert hardware.this_machine(8 * 2**30, 4).memory_known


def test_a_machine_is_rented_in_the_smallest_size_that_has_the_gpus() -> None:
    a100 = hardware.find("a100-80")
    rented = {count: offer.sku for count in (1, 2, 3, 4) if (offer := a100.offer(count))}
    assert rented == {
        1: "Standard_NC24ads_A100_v4",
        2: "Standard_NC48ads_A100_v4",
        3: "Standard_NC96ads_A100_v4",
        4: "Standard_NC96ads_A100_v4",
    }
    assert a100.offer(8) is None
    assert a100.gpu_counts == (1, 2, 4)


def test_an_owned_machine_has_no_offer_and_one_gpu() -> None:
    card = hardware.find("rtx-4090")
    assert card.offer(1) is None
    assert card.gpu_counts == (1,)
    assert hardware.find("cpu-8").gpu_counts == (0,)


def test_an_unknown_machine_is_refused_with_the_nearest() -> None:
    with pytest.raises(KitError, match=r"a100-8'.*Did you mean a100-80\?"):
        hardware.find("a100-8")


def test_a_gpu_without_its_compute_capability_is_refused() -> None:
    fields = hardware.find("t4").model_dump(exclude={"compute_capability"})
    with pytest.raises(ValidationError, match="computeCapability"):
        Hardware.model_validate(fields)


def test_this_machine_has_memory_but_no_bandwidth() -> None:
    machine = hardware.this_machine(8 * 2**30, 4, reserved_mib=512)
    assert machine.usable == (8192 - 512) * 2**20
    assert machine.bandwidth is None
    assert machine.runs == ("onnx", "ollama")


def test_machines_of_the_edge_say_cores_and_architecture_and_a_card_says_neither() -> None:
    found = {name: hardware.find(name) for name in ("mini-pc-n100-16", "raspberry-pi-5-8", "orin-nano-8")}
    assert {name: (each.cores, each.arch) for name, each in found.items()} == {
        "mini-pc-n100-16": (4, "amd64"),
        "raspberry-pi-5-8": (4, "arm64"),
        "orin-nano-8": (6, "arm64"),
    }
    assert all(each.is_machine for each in found.values())
    assert not hardware.find("rtx-4000-ada-20").is_machine


@pytest.mark.parametrize("machine", ALL, ids=lambda machine: machine.name)
def test_cores_and_architecture_belong_together(machine: Hardware) -> None:
    with pytest.raises(ValidationError, match="belong together"):
        Hardware.model_validate({**machine.model_dump(), "cores": 4, "arch": None})
