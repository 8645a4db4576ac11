"""Where the gateway's log goes, as rendered."""

import pytest

from catalog.errors import KitError
from components.gateway.config import Route, render

ROUTE = Route("tiny", "engine-tiny")
COLLECTOR = "collector.models.svc.cluster.local:8007"


def test_without_a_collector_the_log_goes_to_the_standard_output_alone() -> None:
    files = render([ROUTE], [])
    assert files["haproxy.cfg"].count("\n    log stdout ") == 1
    assert "_collector" not in files["haproxy.cfg"]
    assert "collector" not in files


def test_a_collector_gets_it_too_whatever_address_its_name_has() -> None:
    files = render([ROUTE], [], collector=COLLECTOR)
    head, _, rest = files["haproxy.cfg"].partition("\ndefaults base\n")
    assert head.count("\n    log ") == 2
    assert "log backend@_collector " in head
    assert f"tcp@{COLLECTOR} init-addr none resolvers containers log-bufsize {4 * 2**20}\n" in rest
    assert files["collector"] == "collector.models.svc.cluster.local 8007\n"


def test_one_more_collector_changes_no_backend_of_a_model() -> None:
    def model(collector: str | None) -> str:
        return render([ROUTE], [], collector=collector)["haproxy.cfg"].split("\nbackend tiny from engine\n")[
            1
        ]

    assert model(COLLECTOR) == model(None)


@pytest.mark.parametrize(
    "bad", ["collector", "collector:0", "collector:x", "two words:8007", "a\nb:8007", ":1"]
)
def test_what_is_no_host_and_port_is_refused(bad: str) -> None:
    with pytest.raises(KitError, match="collector"):
        render([ROUTE], [], collector=bad)
