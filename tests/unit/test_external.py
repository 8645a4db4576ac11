"""Endpoints outside of the stack: what their settings refuse, and what the gateway is told."""

from typing import Any

import pytest
from pydantic import ValidationError

from catalog.errors import KitError
from components.engines.external import Endpoint, ExternalOptions
from components.gateway.config import Route, render
from components.gateway.upstreams import (
    needs_credentials,
    render_credentials,
)

AZURE = ExternalOptions.model_validate(
    {"url": "https://name.openai.azure.com/openai/v1/", "model": "gpt-4o-mini", "credential": "api-key"}
)
MLX = ExternalOptions(url="http://host.docker.internal:8080/v1", model="mlx-community/Qwen3-4B-4bit@1+x")
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
SECRET = "sk-0123456789"


def section(route: Route, authorities: str | None = None) -> str:
    cfg = render([route], [], authorities=authorities)["haproxy.cfg"]
    return cfg.split(f"\nbackend {route.model} from external\n")[1]


@pytest.mark.parametrize(
    ("url", "endpoint", "authority"),
    [
        (
            "https://Host.Example/openai/v1/",
            Endpoint("host.example", 443, True, "/openai/v1"),
            "host.example",
        ),
        ("http://10.0.0.5:8000/v1", Endpoint("10.0.0.5", 8000, False, "/v1"), "10.0.0.5:8000"),
        ("http://[fd00::1]:80/v3", Endpoint("fd00::1", 80, False, "/v3"), "[fd00::1]"),
        ("https://gateway.lan:8443", Endpoint("gateway.lan", 8443, True, ""), "gateway.lan:8443"),
    ],
)
def test_a_url_is_taken_apart(url: str, endpoint: Endpoint, authority: str) -> None:
    options = ExternalOptions(url=url, server_name="a.b" if "10.0" in url and "https" in url else None)
    assert options.endpoint == endpoint
    assert options.endpoint.authority == authority


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://host/v1", "must begin with http"),
        ("host/v1", "must begin with http"),
        ("https:///v1", "no DNS name"),
        ("https://host:0/v1", "port is 0"),
        ("https://host:70000/v1", "no URL"),
        ("https://[::1/v1", "no URL"),
        ("https://ho st/v1", "no blanks"),
        ("https://host/v1\nbind :1", "no blanks"),
        ("https://höst/v1", "no blanks"),
        ("https://under_score/v1", "no DNS name"),
        ("https://host,x/v1", "no DNS name"),
        ("http://0x7f.1/v1", "no DNS name"),
        ("https://host/v1/%2e", "its path must match"),
        ("https://host/v1/../x", "its path must match"),
        ("https://host//v1", "its path must match"),
        ('https://host/v1"', "its path must match"),
        ("https://host/v1/chat/completions", "URL of one function"),
        ("http://localhost:1234/v1", "Use host.docker.internal"),
        ("http://127.0.0.1:1234/v1", "Use host.docker.internal"),
        ("http://[::1]:1234/v1", "Use host.docker.internal"),
        ("http://0.0.0.0/v1", "Use host.docker.internal"),
    ],
)
def test_a_url_that_cannot_be_a_base_is_refused(url: str, words: str) -> None:
    with pytest.raises(KitError, match=words):
        ExternalOptions(url=url)


@pytest.mark.parametrize(
    "url",
    [f"https://user:{SECRET}@host/v1", f"https://{SECRET}@host/v1", f"https://host/v1?key={SECRET}",
     f"https://host/v1#{SECRET}", f"ftp://x:{SECRET}@localhost:0/v1?"],
)  # fmt: skip
def test_a_url_with_a_credential_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(KitError, match="slm-kit:externalSecrets") as refused:
        ExternalOptions(url=url)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "https://10.0.0.5/v1"}, "Set serverName"),
        ({"url": "http://host.lan/v1", "authorities": "stack"}, "are for https"),
        ({"url": "http://host.lan/v1", "serverName": "a.b"}, "are for https"),
        ({"url": "https://host/v1", "serverName": "10.0.0.5"}, "no DNS name"),
        ({"url": "https://host/v1", "serverName": "a b"}, "no DNS name"),
        ({"url": "http://api.example.com/v1", "credential": "bearer"}, "unencrypted"),
        ({"url": "http://8.8.8.8/v1", "credential": "api-key"}, "unencrypted"),
    ],
)
def test_settings_that_would_be_unsafe_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(KitError, match=words):
        ExternalOptions.model_validate(settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"model": 'x"'}, {"model": "a b"}, {"model": ""}, {"model": "x\n"}, {"model": "é"},
        {"model": "a" * 257},
        {"credential": "basic"}, {"credential": SECRET}, {"authorities": "none"}, {"verify": False},
        {"healthPath": "health"}, {"healthPath": "/a b"}, {"healthPath": "/x?key=1"},
        {"connectTimeoutSeconds": 0}, {"responseTimeoutSeconds": 3601},
    ],
)  # fmt: skip
def test_a_value_out_of_bounds_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ExternalOptions.model_validate({"url": "https://host/v1", **settings})


@pytest.mark.parametrize(
    "host", ["10.0.0.5", "vllm", "host.docker.internal", "mac.local", "box.lan", "[fd00::1]"]
)
def test_a_credential_may_go_unencrypted_inside_of_the_own_network(host: str) -> None:
    assert ExternalOptions(url=f"http://{host}/v1", credential="bearer").credential == "bearer"


def test_an_azure_deployment_is_reached_by_tls_with_its_name_checked_and_its_key_from_a_file() -> None:
    text = section(Route("cloud", external=AZURE, max_concurrency=3, max_queue=7))
    host = "name.openai.azure.com"
    secret = '"%[str(cloud),map_str(${SLM_SECRETS}/external.map)]"'
    assert f"server r1 {host}:443 maxconn 3 init-addr none resolvers internet ssl verify required" in text
    assert f"ca-file @system-ca verifyhost {host} sni str({host}) check-sni {host}\n" in text
    assert f"http-request set-header api-key {secret}\n" in text
    assert f"meth GET uri /openai/v1/models ver HTTP/1.1 hdr Host {host} hdr api-key {secret}\n" in text
    assert 'set-path "/openai/v1%[path,regsub(^/v1,)]"\n' in text
    assert "filter lua.rename gpt-4o-mini\n" in text
    assert "be_conn,sub(txn.slots) gt 7 }" in text


def test_a_server_on_this_machine_is_found_by_the_hosts_file_and_needs_its_entry() -> None:
    route = Route("mlx", external=MLX)
    text = section(route)
    assert "server r1 host.docker.internal:8080 maxconn 8 init-addr libc,none\n" in text
    assert "ssl" not in text
    assert "filter lua.rename mlx-community/Qwen3-4B-4bit@1+x\n" in text


def test_a_name_that_is_the_same_outside_leaves_the_body_alone_and_health_can_be_a_connection() -> None:
    route = Route("m", external=ExternalOptions(url="http://[fd00::1]:9/v1", model="m", health_path="none"))
    text = section(route)
    assert "lua.rename" not in text
    assert "httpchk" not in text
    assert "server r1 [fd00::1]:9 maxconn 8 \n" in text


def test_the_stacks_authorities_alone_vouch_where_they_are_named() -> None:
    options = ExternalOptions(url="https://10.0.0.5/v1", authorities="stack", server_name="box.lan")
    route = Route("box", external=options)
    assert 'ca-file "${SLM_CONFIG}/authorities.pem" verifyhost box.lan' in section(route, PEM)
    assert render([route], [], authorities=PEM)["authorities.pem"] == PEM
    assert "authorities.pem" not in render([Route("cloud", external=AZURE)], [], authorities=PEM)
    for missing in (None, " \n"):
        with pytest.raises(KitError, match="of external model 'box'"):
            render([route], [], authorities=missing)


def test_no_setting_turns_verification_off() -> None:
    for route in (Route("cloud", external=AZURE), Route("tiny", "engine")):
        assert "verify none" not in render([route], [])["haproxy.cfg"]


def test_credentials_are_written_by_model_and_only_for_those_that_want_one() -> None:
    routes = [Route("mlx", external=MLX), Route("cloud", external=AZURE), Route("tiny", "engine")]
    given = {"cloud": SECRET, "gone": "unused"}
    assert render_credentials(routes, given) == f"# key value\ncloud {SECRET}\n"
    assert needs_credentials(routes)
    assert not needs_credentials([routes[0], routes[2]])
    assert SECRET not in str(render(routes, []))


@pytest.mark.parametrize("value", [None, "", "a b", "a\nb", f"{SECRET}\r\nX: y", "ü", "a" * 8193])
def test_a_credential_that_is_missing_or_no_header_value_is_refused_unshown(value: str | None) -> None:
    given = {} if value is None else {"cloud": value}
    with pytest.raises(KitError, match="credential of external model 'cloud'") as refused:
        render_credentials([Route("cloud", external=AZURE)], given)
    assert SECRET not in str(refused.value)


def test_a_credential_that_would_not_be_sent_is_refused_unshown() -> None:
    with pytest.raises(KitError, match="credential of external model 'mlx'") as refused:
        render_credentials([Route("mlx", external=MLX)], {"mlx": SECRET})
    assert SECRET not in str(refused.value)
