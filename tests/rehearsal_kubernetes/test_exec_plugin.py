"""Credentials from a program, as kubelogin, aws and gke-gcloud-auth-plugin give them: real programs, run."""

import base64
import contextlib
import json
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rehearsal.backend import RefusedError, ResourceFailedError
from rehearsal.kubernetes_backend import KubernetesBackend, Settings
from tests.kubernetes.certificates import Authority
from tests.rehearsal_kubernetes.apiserver import ApiServer, serving
from tests.rehearsal_kubernetes.conftest import CONFIG_MAP, kubeconfig

V1 = "client.authentication.k8s.io/v1"
PROGRAM = """#!{python}
import json, os, sys
from pathlib import Path
folder = Path(__file__).parent
runs = folder / "runs"
asked = {{"arguments": sys.argv[1:], "info": json.loads(os.environ["KUBERNETES_EXEC_INFO"]),
          "audience": os.environ.get("AUDIENCE")}}
with runs.open("a") as file:
    file.write(json.dumps(asked) + "\\n")
count = len(runs.read_text().splitlines())
print("signing in", file=sys.stderr)
status = json.loads((folder / "status").read_text())
if "token" in status:
    status["token"] += str(count)
print(json.dumps({{"apiVersion": asked["info"]["apiVersion"], "kind": "ExecCredential", "status": status}}))
sys.exit(int(os.environ.get("FAILS", "0")))
"""


class Login:
    """A program that signs in, and what it was asked so far."""

    def __init__(self, folder: Path, **status: Any) -> None:
        self._folder = folder
        self.path = folder / "login"
        self.path.write_text(PROGRAM.format(python=sys.executable))
        self.path.chmod(0o700)
        self.gives(**status)

    def gives(self, **status: Any) -> None:
        (self._folder / "status").write_text(json.dumps(status))

    def user(self, **changes: Any) -> dict[str, Any]:
        """A kubeconfig's user who signs in by it."""
        spec = {"apiVersion": V1, "command": str(self.path), "interactiveMode": "Never", **changes}
        return {"exec": {key: value for key, value in spec.items() if value is not None}}

    @property
    def asked(self) -> list[dict[str, Any]]:
        file = self._folder / "runs"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def login(tmp_path: Path) -> Login:
    return Login(tmp_path, token="hunter")


def _read(config: str, times: int = 1) -> None:
    with contextlib.closing(KubernetesBackend(Settings(kubeconfig=config))) as backend:
        for _ in range(times):
            backend.read(CONFIG_MAP, "space/x", {})


def _authorizations(server: ApiServer) -> list[str]:
    return [each.headers["authorization"] for each in server.requests]


@pytest.mark.parametrize("version", [V1, f"{V1}beta1"])
def test_the_programs_token_is_used_and_the_program_is_run_once(
    server: ApiServer, login: Login, version: str, capfd: pytest.CaptureFixture[str]
) -> None:
    user = login.user(
        apiVersion=version,
        args=["get-token", "--login", "azurecli"],
        env=[{"name": "AUDIENCE", "value": "api"}],
    )
    _read(kubeconfig(server.url, user), times=3)
    assert set(_authorizations(server)) == {"Bearer hunter1"}
    (asked,) = login.asked
    assert asked["arguments"] == ["get-token", "--login", "azurecli"]
    assert asked["audience"] == "api"
    assert asked["info"] == {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    said = capfd.readouterr()
    assert "signing in" in said.err, "what it tells people is seen"
    assert "hunter" not in said.out + said.err


def test_a_credential_that_is_over_is_asked_for_again(server: ApiServer, login: Login) -> None:
    login.gives(token="hunter", expirationTimestamp="2020-01-01T00:00:00Z")
    _read(kubeconfig(server.url, login.user()), times=2)
    assert _authorizations(server) == ["Bearer hunter1", "Bearer hunter2", "Bearer hunter3"]
    login.gives(token="hunter", expirationTimestamp="2199-01-01T00:00:00Z")
    server.requests.clear()
    _read(kubeconfig(server.url, login.user()), times=2)
    assert set(_authorizations(server)) == {"Bearer hunter4"}


def test_a_token_that_the_server_refuses_is_renewed_once(server: ApiServer, login: Login) -> None:
    config = kubeconfig(server.url, login.user())
    server.fail(401, "Unauthorized")
    _read(config)
    assert _authorizations(server) == ["Bearer hunter1", "Bearer hunter1", "Bearer hunter2"]
    server.fail(401, "Unauthorized")
    server.fail(401, "Unauthorized")
    with pytest.raises(ResourceFailedError, match="renew the credentials") as refusal:
        _read(config)
    assert "hunter" not in str(refusal.value)


def test_many_threads_sign_in_once(server: ApiServer, login: Login) -> None:
    config = kubeconfig(server.url, login.user())
    backend = KubernetesBackend(Settings(kubeconfig=config))
    with contextlib.closing(backend), ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: backend.read(CONFIG_MAP, "space/x", {}), range(8)))
    assert len(login.asked) == 1


def test_the_program_is_told_of_the_cluster_where_it_asks(tmp_path: Path, login: Login) -> None:
    authority = Authority("ca").certificate
    (tmp_path / "ca").write_bytes(authority)
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}
    with serving() as api:
        more: dict[str, Any] = {"certificate-authority": str(tmp_path / "ca"), "extensions": [extension]}
        _read(kubeconfig(api.url, login.user(provideClusterInfo=True), **more))
        assert login.asked[0]["info"]["spec"]["cluster"] == {
            "server": api.url,
            "certificate-authority-data": base64.b64encode(authority).decode(),
            "config": {"audience": "x"},
        }


def test_a_program_named_by_a_path_lies_beside_the_kubeconfig(server: ApiServer, login: Login) -> None:
    file = login.path.with_name("config")
    file.write_text(kubeconfig(server.url, login.user(command="./login")))
    _read(str(file))
    assert _authorizations(server)[0] == "Bearer hunter1"


def test_a_client_certificate_of_the_program_is_shown_to_the_server(tmp_path: Path, login: Login) -> None:
    authority = Authority("ca")
    client, pair = authority.client("admin"), authority.server("api", ["localhost"], ["127.0.0.1"])
    (tmp_path / "server.pem").write_bytes(pair.certificate + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    context.load_verify_locations(cadata=authority.certificate.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    login.gives(clientCertificateData=client.certificate.decode(), clientKeyData=client.key.decode())
    with serving(context) as api:
        more: dict[str, Any] = {
            "certificate-authority-data": base64.b64encode(authority.certificate).decode()
        }
        _read(kubeconfig(api.url, login.user(), **more))
        assert len(api.requests) == 2


@pytest.mark.parametrize(
    ("status", "changes", "words"),
    [
        ({}, {}, "gave no token"),
        ({"clientKeyData": "hunter2"}, {}, "gave no token, nor a certificate"),
        ({"token": "hunter2", "expirationTimestamp": "soon"}, {}, "is no time"),
        ({"token": "hunter2"}, {"env": [{"name": "FAILS", "value": "3"}]}, "exit code 3"),
        ({"token": "hunter2"}, {"command": "kubelogin-of-nobody", "installHint": "brew install it"}, "brew"),
        ({"token": "hunter2"}, {"command": "echo", "args": ["hunter2"]}, "did not print an ExecCredential"),
    ],
)
def test_a_program_that_gives_nothing_to_use_is_named_and_what_it_wrote_is_not_shown(
    login: Login, status: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    login.gives(**status)
    with pytest.raises(ResourceFailedError, match=words) as refusal:
        _read(kubeconfig("https://127.0.0.1:9", login.user(**changes)))
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "changes", [{"interactiveMode": None}, {"apiVersion": "client.authentication.k8s.io/v1alpha1"}]
)
def test_a_kubeconfig_that_client_go_would_not_take_is_refused(login: Login, changes: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="interactiveMode"):
        _read(kubeconfig("https://127.0.0.1:9", login.user(**changes)))


def test_a_program_that_must_ask_somebody_is_not_run_without_a_terminal(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open("/dev/null") as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        with pytest.raises(ResourceFailedError, match="no terminal"):
            _read(kubeconfig("https://127.0.0.1:9", login.user(interactiveMode="Always")))
    assert login.asked == []
