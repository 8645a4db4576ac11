"""The commands for a stack on a cluster: whose stack made it, who is asked, by which port."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.errors import KitError
from ops import cluster, decide, keys, paths, runner, stack_settings, trust
from ops.ask import command
from stacks.parsing import parse
from stacks.settings import StackSettings
from tests.conftest import ROOT

STACK, ELSEWHERE = "unit", "acme/infrastructure/prod"
PULUMI = """#!/bin/sh
echo "$(cat "$PULUMI_CONFIG_PASSPHRASE_FILE") $*" >>"$(dirname "$0")/calls"
echo '{"namespace": "slm-unit", "kubeconfig": "of the cluster"}'
"""
KUBECTL = """#!/bin/sh
echo "$@"
cat "$2"
"""
FORWARDING = """#!/bin/sh
echo "$@" >"$(dirname "$0")/forwarded"
echo "Forwarding from 127.0.0.1:{port} -> 8080"
exec sleep 60
"""
ANSWER = {"choices": [{"message": {"content": "Paris."}}], "usage": {"completion_tokens": 2}}
MODEL = {"model": "smollm2-135m-instruct", "contextLength": 1024, "concurrency": 2}
AWAKE, ASLEEP = {**MODEL, "name": "awake"}, {**MODEL, "name": "asleep", "scaling": {"minReplicas": 0}}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with state, the stack's file and programs of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for module in (decide, paths, stack_settings):
        monkeypatch.setattr(module, "stack_file", lambda _: tmp_path / f"Pulumi.{STACK}.yaml")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program(tmp_path / "kubectl", KUBECTL)
    return tmp_path


def program(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o700)


def settings(where: dict[str, Any] | None = None, **changes: Any) -> StackSettings:
    config = {
        "target": "kubernetes", "models": [{"name": "smollm2-135m-instruct"}], "keys": [{"id": "a"}],
        "modelSource": "pypi", "kubernetes": {"images": {"tag": "1"}, **(where or {})}, **changes,
    }  # fmt: skip
    return parse(config, {"a": "slm-key"})


@pytest.mark.parametrize("named", ["aks", ELSEWHERE])
def test_another_stacks_kubeconfig_is_read_as_the_program_reads_it_and_makes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str], named: str
) -> None:
    program(home / "pulumi", PULUMI)
    own = paths.passphrase_file(STACK)
    paths.write_private(own, "own")
    cluster.logs(runner.PulumiCli(STACK), settings({"cluster": named}), None)
    assert (home / "calls").read_text().splitlines() == [
        f"own stack output --json --stack {STACK} --non-interactive",
        f"own stack output --json --stack {named} --non-interactive",
    ]
    assert list(own.parent.glob("*.passphrase")) == [own]
    kept = own.with_name(f"{named.replace('/', '.')}.kubeconfig")
    said = capsys.readouterr().out
    assert f"--kubeconfig {kept} --namespace slm-unit logs" in said
    assert "of the cluster" in said


@pytest.mark.parametrize(
    ("shown", "words"), [("{}", "is not there"), ('{"kubeconfig": "[secret]"}', "is a secret")]
)
def test_a_cluster_stack_that_does_not_say_where_its_cluster_is_is_refused(
    home: Path, shown: str, words: str
) -> None:
    theirs = f"""#!/bin/sh\ncase "$*" in *prod*) echo '{shown}';; *) echo '{{"namespace": "n"}}';; esac\n"""
    program(home / "pulumi", theirs)
    with pytest.raises(KitError, match=f"stack {ELSEWHERE}: its output kubeconfig {words}"):
        cluster.logs(runner.PulumiCli(STACK), settings({"cluster": ELSEWHERE}), None)


@pytest.mark.parametrize("project", ["slm-kit", "infrastructure"])
def test_the_rehearsal_reads_a_stack_where_its_own_references_do(home: Path, project: str) -> None:
    folder = home / "program"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": project, "runtime": "python"}))
    (folder / "__main__.py").write_text("import pulumi\npulumi.export('kubeconfig', 'k')\n")
    subprocess.run(
        [sys.executable, "-m", "rehearsal", "up", "--stack", "prod", "--project", folder],
        cwd=ROOT, check=True, env=os.environ,
    )  # fmt: skip
    assert runner.Rehearsal(STACK).outputs_of(f"organization/{project}/prod") == {"kubeconfig": "k"}


def test_a_passphrase_of_the_same_name_in_another_project_is_nobodys_business(home: Path) -> None:
    (home / f"Pulumi.{STACK}.yaml").write_text(f"config:\n  slm-kit:kubernetes: {{cluster: {ELSEWHERE}}}\n")
    paths.write_private(paths.state_folder() / "prod.passphrase", "of this project's prod")
    assert paths.passphrase_file(STACK).read_text() != "of this project's prod"
    cluster.check_passphrase(runner.PulumiCli(STACK))


class Gateway:
    """Answers what it is asked, and keeps which models were asked with which key."""

    def __init__(self) -> None:
        self.asked = list[str]()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(f"{body['model']} {self.headers['Authorization']}")
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(ANSWER).encode())

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    with made.server:
        yield made
        made.server.shutdown()


class Brought(runner.Rehearsal):
    """A runner whose stack is up already."""

    def up(self) -> None:
        """Nothing is left to do."""

    def outputs(self) -> dict[str, Any]:
        outside = {"url": "https://models.example.com/v1", "address": "203.0.113.10"}
        return {"namespace": "slm-unit", "endpoint": "http://gateway:8080/v1", **outside}


def up(home: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """`make up` of a stack where everything is decided, on a machine with nothing to hand on."""
    config = {
        "target": "kubernetes", "runner": "rehearsal", "modelSource": "pypi", "keys": [{"id": "a"}],
        "kubernetes": {"images": {"tag": "1"}}, "keySecrets": {"a": {"secure": "x"}},
        "passwords": {"monitoring": {"secure": "x"}}, **changes,
    }  # fmt: skip
    named = {f"slm-kit:{key}": value for key, value in config.items()}
    (home / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": named}))
    monkeypatch.setattr(keys, "show", lambda *_: "slm-key")
    monkeypatch.setattr(trust, "find", lambda: trust.Trust("", {}))
    monkeypatch.setattr(runner, "Rehearsal", Brought)
    cluster.up(STACK, None)


def test_a_model_that_is_awake_is_asked_through_the_gateways_own_port(
    home: Path, monkeypatch: pytest.MonkeyPatch, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    program(home / "kubectl", FORWARDING.format(port=gateway.port))
    up(home, monkeypatch, models=[ASLEEP, AWAKE], gatewayPort=9000)
    assert gateway.asked == ["awake Bearer slm-key"]
    assert (home / "forwarded").read_text().endswith(" service/gateway-published :9000\n")
    said = capsys.readouterr().out
    assert "  answer    Paris." in said
    assert " port-forward service/gateway-published 8080:9000\n" in said
    assert "  url       https://models.example.com/v1 (lead its name to 203.0.113.10)\n" in said


def test_a_model_that_sleeps_is_left_to_the_user_to_wake(
    home: Path, monkeypatch: pytest.MonkeyPatch, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    program(home / "kubectl", FORWARDING.format(port=gateway.port))
    up(home, monkeypatch, models=[ASLEEP])
    assert gateway.asked == []
    said = capsys.readouterr()
    assert "asleep sleeps while nobody asks (minReplicas 0): not asked" in said.out + said.err
    assert f"            {command('http://127.0.0.1:8080/v1', STACK, 'a', 'asleep')}\n" in said.out
