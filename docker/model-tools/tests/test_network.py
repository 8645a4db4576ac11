from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from kit import CONTENT, Tool, web_spec
from model_tools.redact import Redactor
from origin import Origin


def network_file(tmp_path: Path, **settings: Any) -> tuple[str, str]:
    file = tmp_path / "network.json"
    file.write_text(json.dumps(settings))
    return "--network-config", str(file)


def serve_tls(origin: Origin, authority: trustme.CA) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    origin.server.socket = context.wrap_socket(origin.server.socket, server_side=True)
    origin.put("/m", CONTENT)
    return f"https://127.0.0.1:{origin.port}/m"


def test_an_authority_of_the_network_is_trusted_when_it_is_given(
    tool: Tool, origin: Origin, tmp_path: Path
) -> None:
    authority = trustme.CA()
    url = serve_tls(origin, authority)
    refused = tool.ensure(web_spec(url))
    assert refused.code == 4
    assert "ca.pem" in refused.err
    assert "retry" not in refused.out
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    result = tool.ensure(web_spec(url), "--ca-file", str(file))
    assert result.code == 0, result.err


def test_a_given_authority_is_added_to_the_systems(
    tool: Tool, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, extra = trustme.CA(), trustme.CA()
    for name, authority in (("system.pem", system), ("extra.pem", extra)):
        authority.cert_pem.write_to_path(str(tmp_path / name))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    url = serve_tls(origin, system)
    assert tool.ensure(web_spec(url), "--ca-file", str(tmp_path / "extra.pem")).code == 0


def test_an_authority_file_without_certificate_is_refused(tool: Tool, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("hello")
    result = tool.ensure(web_spec("https://example.test/m"), "--ca-file", str(file))
    assert result.code == 2
    assert "no PEM certificate" in result.err


def test_a_proxy_is_used_with_its_password(tool: Tool, other_origin: Origin, tmp_path: Path) -> None:
    url = "http://files.example.test/m"
    other_origin.put(url, CONTENT)
    proxy = other_origin.url.replace("//", "//user:hunter2@")
    result = tool.ensure(web_spec(url), *network_file(tmp_path, httpProxy=proxy))
    assert result.code == 0, result.err
    (seen,) = other_origin.seen
    assert seen.path == url
    assert seen.headers["proxy-authorization"].startswith("Basic ")


def test_no_proxy_is_obeyed_after_a_redirect_too(
    tool: Tool, origin: Origin, other_origin: Origin, tmp_path: Path
) -> None:
    url = "http://files.example.test/m"
    other_origin.put(url, status=302, headers={"Location": f"{origin.url}/real"})
    origin.put("/real", CONTENT)
    settings = network_file(tmp_path, httpProxy=other_origin.url, noProxy="127.0.0.1")
    result = tool.ensure(web_spec(url), *settings)
    assert result.code == 0, result.err
    assert [seen.path for seen in origin.seen] == ["/real"]


def test_a_proxy_of_the_environment_counts_without_one_in_the_file(
    tool: Tool, other_origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "http://files.example.test/m"
    other_origin.put(url, CONTENT)
    monkeypatch.setenv("http_proxy", other_origin.url)
    assert tool.ensure(web_spec(url)).code == 0


def test_a_proxy_that_is_down_is_named_without_its_password(tool: Tool, tmp_path: Path) -> None:
    proxy = "http://user:hunter2@127.0.0.1:1"
    settings = network_file(tmp_path, httpProxy=proxy, httpsProxy=proxy, hubToken="hf_s3cr3t")
    result = tool.ensure(web_spec("https://files.example.test/m?key=s3cr3t"), *settings)
    assert result.code == 4
    assert "hunter2" not in result.out + result.err
    assert "s3cr3t" not in result.out + result.err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"indexURL": "https://x.test"}, "indexURL: Extra inputs"),
        ({"indexUrl": "ftp://u:hunter2@x.test"}, "indexUrl"),
        ({"hubToken": 5}, "hubToken"),
        ({"hubToken": "two\nlines hunter2"}, "hubToken"),
    ],
)
def test_a_wrong_network_file_ends_with_2_and_its_values_are_not_shown(
    tool: Tool, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    result = tool.ensure(web_spec("https://x.test/m"), *network_file(tmp_path, **settings))
    assert result.code == 2
    assert message in result.err
    assert "hunter2" not in result.err


def test_a_network_file_that_is_named_has_to_be_there(tool: Tool, tmp_path: Path) -> None:
    missing = str(tmp_path / "none.json")
    result = tool.ensure(web_spec("https://x.test/m"), "--network-config", missing)
    assert result.code == 2
    assert missing in result.err


@pytest.mark.parametrize(
    "text",
    [
        "HTTPSConnectionPool(host='h', port=443): Max retries exceeded with url: /m?key=s3cr3t (x",
        "https://user:s3cr3t@host/path",
        "GET https://host/x?Signature=s3cr3t&b=1 failed",
        "Authorization: Bearer s3cr3t",
        "a password p4ss/s3cr3t in the middle",
    ],
)
def test_redaction_leaves_no_secret(text: str) -> None:
    assert "s3cr3t" not in Redactor(frozenset({"p4ss/s3cr3t"}))(text)
