"""Names and quantities in Kubernetes' forms, and what has none."""

from dataclasses import replace

import pytest

from catalog.errors import KitError
from components.platforms.kubernetes_names import (
    cpu_quantity,
    dns_label,
    memory_quantity,
    role_of,
    same_name,
    selector_of,
    service_name,
)
from components.workload import Kind, Publish, Resources, Workload

SERVICE = Workload(image="i", resources=Resources(64, 1))


@pytest.mark.parametrize(
    ("cpus", "text"), [(1, "1"), (2.0, "2"), (0.5, "500m"), (1.25, "1250m"), (0.0001, "1m")]
)
def test_processors_are_whole_or_thousandths(cpus: float, text: str) -> None:
    assert cpu_quantity(cpus) == text


@pytest.mark.parametrize(
    ("mib", "text"), [(64, "64Mi"), (1024, "1Gi"), (1536, "1536Mi"), (32 * 1024, "32Gi"), (1024**2, "1Ti")]
)
def test_memory_is_in_the_largest_unit_that_divides_it(mib: int, text: str) -> None:
    assert memory_quantity(mib) == text


def test_a_models_dot_becomes_a_hyphen() -> None:
    assert service_name("qwen3-0.6b") == "qwen3-0-6b"


@pytest.mark.parametrize("alias", ["7b", "Model", "a_b", ""])
def test_a_name_that_no_service_can_have_is_refused(alias: str) -> None:
    with pytest.raises(KitError, match="begins with a letter"):
        service_name(alias)


def test_a_variants_underscore_becomes_a_hyphen_too() -> None:
    assert dns_label("models-smollm2-135m-instruct-gguf-q4_k_m") == "models-smollm2-135m-instruct-gguf-q4-k-m"


@pytest.mark.parametrize(("name", "label"), [("Dev", "dev"), ("EU.West", "eu-west"), ("_a_", "a")])
def test_large_letters_become_small_and_no_label_begins_or_ends_with_a_hyphen(name: str, label: str) -> None:
    assert dns_label(name) == label


def test_what_is_too_long_stays_different() -> None:
    first, second = (dns_label("a" * 70 + end, 50) for end in "xy")
    assert len(first) == len(second) == 50
    assert first != second


def test_two_names_that_become_one_are_refused() -> None:
    with pytest.raises(KitError, match="are one name on Kubernetes"):
        same_name("qwen3-0.6b", ["qwen3-0-6b"])
    same_name("qwen3-0.6b", ["qwen3-1.7b"])


@pytest.mark.parametrize("length", [50, 51, 63])
def test_two_names_that_would_select_each_others_pods_are_refused(length: int) -> None:
    dotted, hyphened = (("m" * (length - 4) + each) for each in ("-1.5", "-1-5"))
    assert selector_of("prod", dotted) == selector_of("prod", hyphened)
    with pytest.raises(KitError, match="are one name on Kubernetes"):
        same_name(dotted, [hyphened])


def test_the_role_follows_from_what_a_workload_reaches_and_publishes() -> None:
    published = replace(SERVICE, publish=(Publish(80, 80),))
    assert role_of(SERVICE) == "engine"
    assert role_of(published) == "gateway"
    assert role_of(replace(published, reaches_engines=False)) == "client"
    assert role_of(replace(published, watches=True)) == "scraper"
    assert role_of(replace(published, watches=True, reaches_engines=False)) == "monitoring"
    assert role_of(replace(SERVICE, kind=Kind.JOB)) == "job"
