"""The chat page: a login, a key of its own, and no way round the gateway."""

import json

import pytest

from rehearsal import RenderedResource, Rendering
from tests.components.conftest import KEY, render_stack

CONTAINER = "docker:index/container:Container"
PAGE_KEY = "slm-" + "p" * 43
PASSWORD = "a-password-to-look-for"


@pytest.fixture(scope="module")
def page() -> Rendering:
    return render_stack(
        images="upstream",
        openWebui={"adminEmail": "admin@example.org"},
        keySecrets={"default": KEY, "open-webui": PAGE_KEY},
        passwords={"open-webui": PASSWORD, "open-webui-session": "signs-logins", "monitoring": "m" * 43},
    )


def container(rendering: Rendering) -> RenderedResource:
    return next(each for each in rendering.of_type(CONTAINER) if each.name == "open-webui")


def test_it_is_off_unless_asked_for(rendering: Rendering) -> None:
    assert not [each for each in rendering.of_type(CONTAINER) if "webui" in each.name]


def test_it_is_published_on_loopback_and_meets_the_gateway_only(page: Rendering) -> None:
    inputs = container(page).inputs
    assert [port["ip"] for port in inputs["ports"]] == ["127.0.0.1"]
    assert networks(page, "open-webui") == {"local-edge"}
    assert networks(page, "smollm2-135m-instruct") == {"local-engines"}
    assert networks(page, "gateway") == {"local-edge", "local-engines"}
    gateway = next(each for each in page.of_type(CONTAINER) if each.name == "gateway")
    assert [each["aliases"] for each in gateway.inputs["networksAdvanced"]] == [["gateway"], ["gateway"]]


def networks(rendering: Rendering, name: str) -> set[str]:
    found = next(each for each in rendering.of_type(CONTAINER) if each.name == name)
    return {urn.rpartition("::")[2] for urn in found.property_dependencies["networksAdvanced"]}


def test_neither_key_nor_password_is_in_the_containers_configuration(page: Rendering) -> None:
    inputs = json.dumps(container(page).inputs)
    assert PAGE_KEY not in inputs
    assert PASSWORD not in inputs


def test_it_needs_a_login_and_nobody_signs_up(page: Rendering) -> None:
    environment = container(page).inputs["envs"]
    assert {"WEBUI_AUTH=true", "ENABLE_SIGNUP=false", "ENABLE_OLLAMA_API=false"} <= set(environment)


def test_no_other_page_may_ask_with_a_visitors_login(page: Rendering) -> None:
    inputs = container(page).inputs
    port = inputs["ports"][0]["external"]
    (allowed,) = [each for each in inputs["envs"] if each.startswith("CORS_ALLOW_ORIGIN=")]
    assert allowed == f"CORS_ALLOW_ORIGIN=http://127.0.0.1:{port};http://localhost:{port}"


def test_it_is_confined_like_everything_else(page: Rendering) -> None:
    inputs = container(page).inputs
    assert inputs["readOnly"] is True
    assert inputs["capabilities"] == {"drops": ["ALL"]}
