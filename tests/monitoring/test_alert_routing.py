"""Who is told of what, as the real amtool says."""

from collections.abc import Mapping, Sequence

import pytest

from monitoring.alertmanager import NOBODY, render
from monitoring.receivers import Receiver
from monitoring.watched import Watched
from tests.docker.conftest import BuildImage
from tests.monitoring.alert_receivers import EVERY_KIND, PAGED, TICKETED
from tests.monitoring.alert_stack import EVERYTHING, NOTHING
from tests.monitoring.alert_tools import run_in

pytestmark = pytest.mark.docker
Labels = Mapping[str, str]


@pytest.fixture(scope="module")
def image(build_image: BuildImage) -> str:
    """Alertmanager and amtool."""
    return build_image("alertmanager")


def routed(image: str, config: str, labels: Labels) -> list[str]:
    """The receivers of an alert, as amtool says."""
    words = " ".join(f"{name}={value}" for name, value in labels.items())
    script = f"amtool config routes test --config.file=a.yml {words} 2>/dev/null"
    return run_in(image, {"a.yml": config}, script).strip().split(",")


@pytest.mark.parametrize("receivers", [(), EVERY_KIND], ids=["nobody", "every kind"])
@pytest.mark.parametrize("watched", [EVERYTHING, NOTHING], ids=lambda watched: watched.stack)
def test_amtool_accepts_the_configuration(
    image: str, watched: Watched, receivers: Sequence[Receiver]
) -> None:
    config = render(watched, receivers)
    assert "SUCCESS" in run_in(image, {"a.yml": config}, "amtool check-config a.yml")


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({"alertname": "EngineDown", "severity": "page", "model": "tiny"}, PAGED),
        ({"alertname": "KeyExpires", "severity": "ticket", "key_id": "alice"}, TICKETED),
        ({"alertname": "Watchdog", "severity": "none"}, ["alive"]),
        ({"alertname": "Strange", "severity": "none"}, [NOBODY]),
    ],
)
def test_each_severity_reaches_the_receivers_that_want_it(
    image: str, labels: Labels, told: list[str]
) -> None:
    assert routed(image, render(EVERYTHING, EVERY_KIND), labels) == told


@pytest.mark.parametrize("severity", ["page", "ticket", "none"])
def test_without_receivers_nobody_is_told(image: str, severity: str) -> None:
    assert routed(image, render(EVERYTHING, ()), {"alertname": "X", "severity": severity}) == [NOBODY]
