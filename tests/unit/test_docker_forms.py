"""Values are spelt as Docker's provider reads them back: else every preview shows a change."""

import pytest

from components.platforms.docker_container import cpu_count, duration


@pytest.mark.parametrize(
    ("cpus", "spelt"), [(1, "1.0"), (2, "2.0"), (0.5, "0.5"), (1.25, "1.25"), (10, "10"), (12, "12.0")]
)
def test_processors(cpus: float, spelt: str) -> None:
    assert cpu_count(cpus) == spelt


@pytest.mark.parametrize(
    ("seconds", "spelt"), [(0, "0s"), (5, "5s"), (60, "1m0s"), (90, "1m30s"), (180, "3m0s"), (3725, "1h2m5s")]
)
def test_durations(seconds: int, spelt: str) -> None:
    assert duration(seconds) == spelt
