"""Every alert in the real Prometheus' own test program: quiet, firing, resolved."""

import pytest

from monitoring.watched import Watched
from tests.monitoring.alert_files import CASES, promtool_file, rules_file
from tests.monitoring.alert_stack import EVERYTHING, NOTHING
from tests.monitoring.alert_tools import run_in

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("watched", [EVERYTHING, NOTHING], ids=lambda watched: watched.stack)
def test_promtool_accepts_the_alerts_of_a_stack(prometheus_image: str, watched: Watched) -> None:
    said = run_in(prometheus_image, {"rules.yml": rules_file(watched)}, "promtool check rules rules.yml")
    assert "SUCCESS" in said


def test_every_alert_is_quiet_fires_with_its_words_and_resolves(prometheus_image: str) -> None:
    files = {"rules.yml": rules_file(), "tests.yml": promtool_file()}
    assert "SUCCESS" in run_in(prometheus_image, files, "promtool test rules tests.yml")
    assert len(CASES) > 30


def test_a_wrong_summary_is_noticed(prometheus_image: str) -> None:
    cases = [case for case in CASES if case.alert == "GatewayDown"]
    wrong = promtool_file(cases).replace("The gateway does not answer", "The gateway answers")
    files = {"rules.yml": rules_file(), "tests.yml": wrong}
    said = run_in(prometheus_image, files, "! promtool test rules tests.yml")
    assert "GatewayDown" in said
