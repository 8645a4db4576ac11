"""Configuration: the file, its secrets, and the schema."""

import json

import pytest
from ruamel.yaml import YAML

from tests.rehearsal.rig import Stack

_FILE = """\
# Who changes this: the platform team.
encryptionsalt: v1:fozI5u6B030=:v1:F+6ZduKKd8G0/V7L:PGMFeIzwobWRKmEAzUdaQHqC5mMRIQ==
config:
  # Twice the default, see the incident of May.
  proj:size: "2"
  proj:models:
    - name: one   # the small one
      slots: 4
  other:key: kept
"""


def _yaml(stack: Stack) -> dict[str, object]:
    loaded: dict[str, object] = YAML(typ="safe").load((stack.root / "Pulumi.dev.yaml").read_text())
    return loaded


def test_set_keeps_comments_other_keys_and_the_mode_of_the_file(stack: Stack) -> None:
    path = stack.root / "Pulumi.dev.yaml"
    path.write_text(_FILE)
    path.chmod(0o640)
    stack.run("config", "set", "size", "3")
    assert path.read_text() == _FILE.replace('"2"', '"3"')
    assert path.stat().st_mode & 0o777 == 0o640


def test_paths_reach_into_lists_and_objects_and_keep_types(stack: Stack) -> None:
    (stack.root / "Pulumi.dev.yaml").write_text(_FILE)
    stack.run("config", "set", "--path", "models[0].slots", "8")
    stack.run("config", "set", "--path", "models[1].name", "two")
    stack.run("config", "set", "--path", 'labels["a.b"]', "true")
    config = _yaml(stack)["config"]
    assert isinstance(config, dict)
    assert config["proj:models"] == [{"name": "one", "slots": 8}, {"name": "two"}]
    assert config["proj:labels"] == {"a.b": True}
    assert stack.run("config", "get", "--path", "models[1].name").strip() == "two"
    stack.run("config", "rm", "--path", "models[0]")
    assert stack.run("config", "get", "models").strip() == '[{"name":"two"}]'


def test_a_secret_below_a_path_makes_the_whole_key_secret(stack: Stack) -> None:
    stack.run("config", "set", "--secret", "--path", "keys.first", stdin="s3cr3t\n")
    assert "s3cr3t" not in (stack.root / "Pulumi.dev.yaml").read_text()
    assert stack.run("config", "get", "--path", "keys.first").strip() == "s3cr3t"
    assert stack.json("config", "list") == {"proj:keys": {"secret": True}}
    assert stack.run("config", "list").strip() == 'proj:keys: {"first":"[secret]"}'
    stack.program("pulumi.export('keys', pulumi.Config().require_secret_object('keys'))")
    assert stack.json("render")["secretOutputs"] == ["keys"]


def test_a_secret_set_by_the_real_cli_is_read(stack: Stack) -> None:
    # Salt and check as in manager_test.go of pulumi/pulumi, whose passphrase is `password`.
    stack.environment["PULUMI_CONFIG_PASSPHRASE"] = "password"
    (stack.root / "Pulumi.dev.yaml").write_text(_FILE)
    stack.run("config", "set", "--secret", "token", "abc")
    assert _yaml(stack)["encryptionsalt"] == _FILE.splitlines()[1].removeprefix("encryptionsalt: ")
    assert stack.run("config", "get", "token").strip() == "abc"


def test_rm_of_what_is_not_there_changes_nothing(stack: Stack) -> None:
    stack.run("config", "rm", "nothing")
    assert not (stack.root / "Pulumi.dev.yaml").exists()
    text = stack.run("config", "get", "nothing", code=2)
    assert "config set nothing" in text


def test_the_file_lies_in_stack_config_dir(stack: Stack) -> None:
    stack.schema("", more="stackConfigDir: stacks\n")
    stack.run("config", "set", "size", "3")
    assert (stack.root / "stacks" / "Pulumi.dev.yaml").is_file()


_SCHEMA = """
  proj:port:
    type: integer
    default: 80
  proj:debug:
    type: boolean
    default: false
  proj:models:
    type: array
    items:
      type: object
    default: []
  proj:name:
    type: string
"""
_PRINTS = """
    config = pulumi.Config()
    pulumi.export("all", [config.require_int("port"), config.require_bool("debug"),
                          config.require_object("models"), config.require("name")])
"""


def test_defaults_of_the_schema_reach_the_program_with_their_types(stack: Stack) -> None:
    stack.schema(_SCHEMA).program(_PRINTS)
    stack.run("config", "set", "name", "n")
    assert stack.json("render")["outputs"]["all"] == [80, False, [], "n"]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("port", "many", "proj:port = 'many'; the schema says integer"),
        ("debug", "perhaps", "proj:debug = 'perhaps'; the schema says boolean"),
        ("models", "one", "proj:models = 'one'; the schema says array"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_value_and_limit(
    stack: Stack, key: str, value: str, message: str
) -> None:
    stack.schema(_SCHEMA).program(_PRINTS)
    stack.run("config", "set", "name", "n")
    stack.run("config", "set", key, value)
    assert message in stack.run("preview", code=2)


def test_a_missing_key_is_refused_by_name(stack: Stack) -> None:
    text = stack.schema(_SCHEMA).program(_PRINTS).run("preview", code=2)
    assert "missing configuration proj:name" in text


def test_a_secret_key_in_the_clear_is_refused_without_showing_it(stack: Stack) -> None:
    stack.schema("  proj:key:\n    type: string\n    secret: true\n").program("")
    stack.run("config", "set", "key", "visible")
    text = stack.run("preview", code=2)
    assert "stored in the clear" in text
    assert "visible" not in text


def test_a_broken_file_is_named_with_the_line(stack: Stack) -> None:
    (stack.root / "Pulumi.dev.yaml").write_text("config:\n  a: [1,\n")
    text = stack.run("config", "list", code=2)
    assert "Pulumi.dev.yaml cannot be read (line" in text


def test_json_list_has_the_shape_of_the_real_cli(stack: Stack) -> None:
    stack.run("config", "set", "size", "3")
    assert json.loads(stack.run("config", "list", "--json")) == {"proj:size": {"value": "3", "secret": False}}


def test_another_file_can_stand_for_the_stacks_own_which_stays_as_it_is(stack: Stack) -> None:
    own, other = stack.root / "Pulumi.dev.yaml", stack.root / "other.yaml"
    own.write_text(_FILE)
    other.write_text(_FILE)
    stack.run("config", "set", "size", "3", "--config-file", str(other))
    assert own.read_text() == _FILE
    assert stack.run("config", "get", "size", "--config-file", str(other)) == "3\n"
    assert stack.run("config", "get", "size") == "2\n"
    assert other.read_text() == _FILE.replace('"2"', '"3"')
