"""Stack settings: every wrong value is refused before a resource exists, with the next step."""

from datetime import date
from typing import Any

import pytest
import yaml

from catalog.errors import KitError
from stacks.config import refuse_unknown_keys
from stacks.parsing import parse
from stacks.serving import grants_of
from stacks.stack_file import refuse_misplaced_keys
from tests.conftest import ROOT

MODEL = {"name": "smollm2-135m-instruct"}
GOOD: dict[str, Any] = {
    "target": "local-docker",
    "models": [MODEL],
    "keys": [{"id": "default"}],
    "modelSource": "pypi",
}
SECRETS = {"default": "slm-x"}


def refused(match: str, **changes: Any) -> None:
    with pytest.raises(KitError, match=match):
        parse({**GOOD, **changes}, SECRETS)


def test_the_defaults_publish_on_loopback_only() -> None:
    settings = parse(GOOD, SECRETS)
    assert (settings.gateway_address, settings.gateway_port) == ("127.0.0.1", 8080)


def test_an_unknown_model_is_refused() -> None:
    refused("not in the catalog", models=[{"name": "gpt-5"}])


def test_an_engine_that_has_no_recipe_is_refused() -> None:
    refused(r"models\[0\]\.engine 'tensorrt'", models=[{**MODEL, "engine": "tensorrt"}])


def test_negative_memory_is_refused_with_the_limit() -> None:
    refused(r"memoryMib -1.*greater than or equal to 64", models=[{**MODEL, "memoryMib": -1}])


def test_a_misspelt_key_is_refused_with_the_right_one() -> None:
    refused("Did you mean contextLength", models=[{**MODEL, "contextLenght": 1024}])


def test_a_misspelt_top_level_key_is_refused_with_the_right_one() -> None:
    with pytest.raises(KitError, match="Did you mean slm-kit:gatewayPort"):
        refuse_unknown_keys(["docker:host", "slm-kit:gatewayPrt"])


def test_a_setting_beside_config_is_refused_and_not_read_over() -> None:
    with pytest.raises(KitError, match="Indent it below `config:`"):
        refuse_misplaced_keys({"config": {}, "encryptionsalt": "v1:", "slm-kit:monitoring": {}})
    refuse_misplaced_keys({"config": {"slm-kit:models": []}, "encryptionsalt": "v1:"})


def test_more_context_than_the_model_has_is_refused() -> None:
    refused("at most 8192", models=[{**MODEL, "contextLength": 9000}])


@pytest.mark.parametrize("changes", [{"models": [MODEL, MODEL]}, {"keys": [{"id": "a"}, {"id": "a"}]}])
def test_a_name_twice_is_refused(changes: dict[str, Any]) -> None:
    refused("listed twice", **changes)


def test_a_key_for_a_model_that_is_not_served_is_refused() -> None:
    refused("this stack serves", keys=[{"id": "default", "models": ["other"]}])


def test_a_key_without_its_secret_is_refused() -> None:
    refused("has no secret", keys=[{"id": "default"}, {"id": "second"}])


def test_a_key_expires_on_a_day_written_as_text() -> None:
    key = {"id": "default", "expires": "2027-01-31"}
    settings = parse({**GOOD, "keys": [key]}, SECRETS)
    assert settings.keys[0].expires == date(2027, 1, 31)
    assert grants_of(settings)[0].expires == date(2027, 1, 31)
    assert not settings.keys[0].expired(date(2027, 1, 30))
    assert settings.keys[0].expired(date(2027, 1, 31))
    assert grants_of(parse(GOOD, SECRETS))[0].expires is None


def test_a_key_that_has_expired_is_no_error_of_the_config() -> None:
    settings = parse({**GOOD, "keys": [{"id": "default", "expires": "2020-02-29"}]}, SECRETS)
    assert settings.keys[0].expired(date(2027, 1, 31))


@pytest.mark.parametrize(
    "expires",
    [
        *["", "soon", "2027-02-30", "31.01.2027", "20270131", "2027-01-31T00:00:00Z", 20270131, 86400, True],
        # A date without quotes: what the kit's YAML reader and the Pulumi CLI make of it.
        *[date(2027, 1, 31), "2027-01-31 00:00:00 +0000 UTC"],
    ],
)
def test_an_expiry_that_is_no_day_as_text_is_refused_with_the_form(expires: object) -> None:
    form = "in quotes|out of range"
    refused(rf"keys\[0\]\.expires.*({form})", keys=[{"id": "default", "expires": expires}])


def test_an_address_that_is_none_is_refused() -> None:
    refused("gatewayAddress 'localhost'", gatewayAddress="localhost")


def test_file_sources_need_their_folder() -> None:
    variant = {**MODEL, "variant": "onnx-int4"}
    refused("modelFolder", modelSource="file", models=[variant])


def test_a_missing_authorities_file_is_refused() -> None:
    refused("is not a file", certificateAuthorities="/nowhere/ca.pem")


def test_no_models_is_refused() -> None:
    refused("models", models=[])


def test_the_example_of_the_local_stack_is_valid() -> None:
    example = yaml.safe_load((ROOT / "stacks/Pulumi.local-docker.example.yaml").read_text())["config"]
    refuse_unknown_keys(example)
    plain = {key.removeprefix("slm-kit:"): value for key, value in example.items()}
    assert parse({**plain, "modelSource": "pypi"}, SECRETS).models[0].name == "smollm2-135m-instruct"


def test_every_setting_is_declared_in_the_project_file() -> None:
    from stacks.config import SECRET_KEYS, STRUCTURED_KEYS, plain_keys

    declared = set(yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"])
    # Pulumi asks for every declared key; a list or an object has no empty default.
    assert declared == {*plain_keys()} - {*STRUCTURED_KEYS}
    told = (ROOT / "Pulumi.yaml").read_text()
    assert all(key in told for key in (*STRUCTURED_KEYS, *SECRET_KEYS))


def test_the_chat_page_is_refused_where_its_image_cannot_be_pulled() -> None:
    refused("must be pulled", images="build", openWebui={"adminEmail": "a@b.c"})


def test_the_chat_page_brings_a_key_of_its_own() -> None:
    page = {**GOOD, "openWebui": {"adminEmail": "a@b.c"}}
    with pytest.raises(KitError, match="key 'open-webui': has no secret"):
        parse(page, SECRETS)
    assert parse(page, {**SECRETS, "open-webui": "slm-y"}).key_ids == ("default", "open-webui")


def test_options_of_another_engine_are_refused() -> None:
    refused("the vllm settings", models=[{**MODEL, "vllm": {}}])


EXTERNAL: dict[str, Any] = {
    "name": "elsewhere",
    "engine": "external",
    "external": {"url": "https://models.example.org/v1"},
}


def test_an_external_model_need_not_be_in_the_catalog() -> None:
    settings = parse({**GOOD, "models": [EXTERNAL, {**MODEL, "fallback": "elsewhere"}]}, SECRETS)
    assert [model.name for model in settings.hosted] == ["smollm2-135m-instruct"]


def test_an_external_model_needs_its_url() -> None:
    refused("belong together", models=[{"name": "elsewhere", "engine": "external"}])


def test_an_endpoint_that_wants_a_credential_needs_it() -> None:
    wants = {**EXTERNAL, "external": {**EXTERNAL["external"], "credential": "bearer"}}
    config = {**GOOD, "models": [wants]}
    with pytest.raises(KitError, match=r"make config KEY='externalSecrets"):
        parse(config, SECRETS, {})
    assert parse(config, SECRETS, {"elsewhere": "token"}).models[0].name == "elsewhere"
