"""The same program, configuration and state with the Pulumi CLI: what it says is what the rehearsal says."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.rig import REPOSITORY, Stack

pytestmark = pytest.mark.engine

_PROGRAM = """
    class Part(pulumi.ComponentResource):
        def __init__(self, name, props, opts=None):
            super().__init__("test:index:Part", name, props, opts)
            self.register_outputs({"size": len(name)})

    config = pulumi.Config()
    other = Part("other", {"empty": [], "none": {}})
    whole = Part("whole", {"port": config.require_int("port"), "key": config.require_secret("key")})
    for index in range(3):
        props = {"index": index, "deep": {"list": [1.5, "two", None, True]}}
        part = Part(f"part-{index}", props, Opts(parent=whole))
        Part(f"leaf-{index}", {"of": other.urn}, Opts(parent=part, protect=True))
    Part("after", {"all": [part.urn]}, Opts(depends_on=[whole], aliases=[pulumi.Alias(name="before")]))
    pulumi.export("key", config.require_secret("key"))
    pulumi.export("where", part.urn)
"""


class RealCli:
    """The Pulumi CLI with a home and a backend of its own."""

    def __init__(self, stack: Stack, home: Path) -> None:
        home.mkdir()
        self._root = stack.root
        here = Path(sys.executable).parent
        self._environment = {
            **os.environ,
            **stack.environment,
            "PATH": f"{here}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join((str(REPOSITORY), str(Path(__file__).parent))),
            "PULUMI_HOME": str(home),
            "PULUMI_BACKEND_URL": f"file://{home}",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["pulumi", *arguments, "--stack", "dev", "--non-interactive"],
            cwd=self._root,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def real(stack: Stack, tmp_path: Path) -> RealCli:
    stack.schema("proj:port:\n  type: integer\n  default: 80\n").program(_PROGRAM)
    cli = RealCli(stack, tmp_path / "home")
    cli.run("stack", "init")
    return cli


def _comparable(entry: dict[str, Any]) -> dict[str, Any]:
    deps = {key: sorted(urns) for key, urns in (entry.get("propertyDependencies") or {}).items() if urns}
    return {
        "type": entry["type"],
        "custom": entry["custom"],
        "parent": entry.get("parent", ""),
        "protect": entry.get("protect", False),
        "inputs": entry.get("inputs") or {},
        "dependencies": sorted(entry.get("dependencies") or []),
        "propertyDependencies": deps,
    }


def test_render_equals_the_preview_of_the_real_engine(stack: Stack, real: RealCli) -> None:
    stack.run("config", "set", "key", "--secret", "s3cr3t")
    stack.environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE")
    steps = json.loads(real.run("preview", "--json"))["steps"]
    theirs = {step["urn"]: _comparable(step["newState"]) for step in steps}
    ours = {each["urn"]: _comparable(each) for each in stack.json("render")["resources"]}
    assert len(ours) == 10
    assert ours == theirs


def test_each_reads_the_configuration_the_other_wrote(stack: Stack, real: RealCli) -> None:
    stack.run("config", "set", "key", "--secret", "s3cr3t")
    stack.run("config", "set", "--path", "list[0].name", "one")
    real.run("config", "set", "--path", "list[1].size", "2")
    real.run("config", "set", "--secret", "--path", "list[1].key", "hidden")
    listing = ("config", "list", "--show-secrets", "--json")
    ours = json.loads(stack.run(*listing))
    theirs = json.loads(real.run("config", "--show-secrets", "--json"))
    values = {key: (row["value"], row["secret"]) for key, row in theirs.items() if key in ours}
    assert {key: (row["value"], row["secret"]) for key, row in ours.items()} == values
    assert ours["proj:list"]["value"] == '[{"name":"one"},{"key":"hidden","size":2}]'


def test_each_takes_over_the_state_of_the_other(stack: Stack, real: RealCli) -> None:
    stack.run("config", "set", "key", "--secret", "s3cr3t")
    stack.run("up")
    exported = stack.root / "export.json"
    latest = stack.checkpoint()
    exported.write_text(json.dumps({"version": 3, "deployment": latest}))
    real.run("stack", "import", "--file", str(exported))
    assert set(json.loads(real.run("preview", "--json"))["changeSummary"]) == {"same"}
    real.run("up", "--yes", "--skip-preview")
    stack.state_file.write_text(real.run("stack", "export"))
    stack.run("preview", "--expect-no-changes")
    assert stack.run("output", "key", "--show-secrets").strip() == "s3cr3t"
