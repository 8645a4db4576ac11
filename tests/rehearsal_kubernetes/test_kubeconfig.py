"""Which cluster, and who asks."""

import base64
import contextlib
import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from rehearsal.backend import RefusedError, ResourceFailedError
from rehearsal.kubernetes_backend import KubernetesBackend, Settings
from tests.kubernetes.certificates import Authority, Pair
from tests.rehearsal_kubernetes.apiserver import ApiServer, serving
from tests.rehearsal_kubernetes.conftest import CONFIG_MAP, kubeconfig


def _read(config: str, context: str | None = None) -> None:
    with contextlib.closing(KubernetesBackend(Settings(kubeconfig=config, context=context))) as backend:
        backend.read(CONFIG_MAP, "space/x", {})


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _server_context(tmp_path: Path, authority: Authority, pair: Pair) -> ssl.SSLContext:
    file = tmp_path / "server.pem"
    file.write_bytes(pair.certificate + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.load_verify_locations(cadata=authority.certificate.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_a_client_certificate_and_an_authority_are_read_from_the_content_or_from_files(
    tmp_path: Path,
) -> None:
    authority = Authority("ca")
    client = authority.client("admin")
    context = _server_context(tmp_path, authority, authority.server("api", ["localhost"], ["127.0.0.1"]))
    inline: dict[str, Any] = {
        "client-certificate-data": _base64(client.certificate),
        "client-key-data": _base64(client.key),
    }
    for name, content in {"ca": authority.certificate, "crt": client.certificate, "key": client.key}.items():
        (tmp_path / name).write_bytes(content)
    files: dict[str, Any] = {"client-certificate": "crt", "client-key": "key"}
    with serving(context) as api:
        more: dict[str, Any] = {"certificate-authority-data": _base64(authority.certificate)}
        _read(kubeconfig(api.url, inline, **more))
        path = tmp_path / "config"
        more = {"certificate-authority": "ca"}
        path.write_text(kubeconfig(api.url, files, **more))
        _read(str(path))
        assert len(api.sent("GET")) == 4  # twice: discovery, object


def test_a_server_of_another_authority_is_not_talked_to(tmp_path: Path) -> None:
    authority, other = Authority("ca"), Authority("other")
    context = _server_context(tmp_path, authority, authority.server("api", [], ["127.0.0.1"]))
    with serving(context) as api:
        more: dict[str, Any] = {"certificate-authority-data": _base64(other.certificate)}
        config = kubeconfig(api.url, **more)
        with pytest.raises(
            ResourceFailedError, match=r"no Kubernetes API server answers.*CERTIFICATE_VERIFY"
        ):
            _read(config)
        assert api.requests == []


def test_a_token_file_is_read_anew_for_each_request(server: ApiServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "config").write_text(kubeconfig(server.url, {"tokenFile": "token"}))
    backend = KubernetesBackend(Settings(kubeconfig=str(tmp_path / "config")))
    backend.read(CONFIG_MAP, "space/x", {})
    (tmp_path / "token").write_text("second\n")
    backend.read(CONFIG_MAP, "space/x", {})
    backend.close()
    assert [each.headers["authorization"] for each in server.requests] == [
        "Bearer first",
        "Bearer first",
        "Bearer second",
    ]


@pytest.mark.parametrize(
    ("user", "named"),
    [
        ({"auth-provider": {"name": "azure"}}, "auth-provider"),
        ({"username": "me", "password": "hunter2"}, "passwords"),
        ({"token": "t", "as": "root"}, "impersonation"),
    ],
)
def test_a_way_to_log_in_that_is_not_implemented_is_refused_by_name(
    user: dict[str, object], named: str
) -> None:
    with pytest.raises(RefusedError, match=named) as refusal:
        _read(kubeconfig("https://127.0.0.1:9", user))
    assert "hunter2" not in str(refusal.value)


def test_of_several_files_the_first_entry_of_a_name_counts(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").write_text(json.dumps({"users": [{"name": "u", "user": {"token": "of-one"}}]}))
    (tmp_path / "two").write_text(kubeconfig(server.url, {"token": "of-two"}))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'one'}:{tmp_path / 'absent'}:{tmp_path / 'two'}")
    with contextlib.closing(KubernetesBackend()) as backend:
        backend.read(CONFIG_MAP, "space/x", {})
    assert server.requests[0].headers["authorization"] == "Bearer of-one"


def test_the_context_gives_the_namespace_unless_the_provider_does(server: ApiServer) -> None:
    config = kubeconfig(server.url)
    for settings, expected in (
        (Settings(kubeconfig=config), "space"),
        (Settings(kubeconfig=config, namespace="mine"), "mine"),
    ):
        with contextlib.closing(KubernetesBackend(settings)) as backend:
            checked = backend.check(CONFIG_MAP, "x", {}, None)
        assert checked["metadata"]["namespace"] == expected


def test_an_unknown_context_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RefusedError, match=r"no context 'there' \(it has: here\)"):
        _read(kubeconfig("https://127.0.0.1:9"), context="there")


def test_no_kubeconfig_is_an_error_with_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    with pytest.raises(RefusedError, match="set KUBECONFIG"):
        KubernetesBackend().read(CONFIG_MAP, "space/x", {})


def test_no_server_is_an_error_with_the_address_and_the_next_step() -> None:
    with pytest.raises(ResourceFailedError, match=r"answers at http://127\.0\.0\.1:9 .*Start the cluster"):
        _read(kubeconfig("http://127.0.0.1:9"))


def test_a_broken_kubeconfig_is_not_quoted() -> None:
    with pytest.raises(RefusedError) as refusal:
        _read("users:\n- {token: hunter2\n")
    assert "not YAML" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
