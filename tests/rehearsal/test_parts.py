"""The parts that are pure: paths, former names, the order of deletions, the plan, values."""

import json
from pathlib import Path

import pytest
from google.protobuf import struct_pb2

from rehearsal.backend import UNKNOWN, Diff
from rehearsal.diffs import compare
from rehearsal.engine.core import default_provider_name
from rehearsal.engine.deletions import delete_all
from rehearsal.engine.plan import must_go_first
from rehearsal.errors import RehearsalError
from rehearsal.model import Alias
from rehearsal.paths import get_at, parse_path, with_at, without
from rehearsal.state.checkpoint import Resource, read_snapshot
from rehearsal.state.crypto import Vault
from rehearsal.urns import former_urns, make_urn
from rehearsal.values import Secret, from_struct, mark_secrets, masked, secret_paths, to_struct


def _urn(name: str, type_: str = "t:i:T", parent: str = "") -> str:
    return make_urn("s", "p", parent, type_, name)


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a", ("a",)), ("a.b[0].c", ("a", "b", 0, "c")), ('a["x.y"][1]', ("a", "x.y", 1)), ("[2]", (2,))],
)
def test_property_paths(text: str, parts: tuple[str | int, ...]) -> None:
    assert parse_path(text) == parts


@pytest.mark.parametrize("text", ["", "a[", "a[x]", "a]b"])
def test_a_broken_path_is_refused(text: str) -> None:
    with pytest.raises(RehearsalError, match="path"):
        parse_path(text)


def test_setting_and_removing_at_a_path_copies() -> None:
    before = {"a": [{"b": 1}]}
    after = with_at(before, ("a", 0, "c"), 2)
    assert after == {"a": [{"b": 1, "c": 2}]}
    assert before == {"a": [{"b": 1}]}
    assert without(after, ("a", 0, "b")) == {"a": [{"c": 2}]}
    assert get_at(after, ("a", 3), "none") == "none"
    with pytest.raises(RehearsalError, match="index 5"):
        with_at(before, ("a", 5), 1)


def test_former_urns_follow_names_types_parents_and_renamed_parents() -> None:
    parent, was = _urn("new", "c:i:C"), _urn("old", "c:i:C")
    child = _urn("new-file", parent=parent)
    assert former_urns(child, parent, [], {parent: was}) == [_urn("old-file", parent=was)]
    assert former_urns(child, parent, [Alias(name="x")], {}) == [_urn("x", parent=parent)]
    assert former_urns(child, parent, [Alias(no_parent=True)], {}) == [_urn("new-file")]
    assert former_urns(child, parent, [Alias(type="o:i:O")], {parent: was}) == [
        _urn("new-file", "o:i:O", parent),
        _urn("old-file", parent=was),
        _urn("old-file", "o:i:O", was),
    ]


@pytest.mark.parametrize(
    ("version", "url", "name"),
    [
        ("", "", "default"),
        ("0.18.1", "", "default_0_18_1"),
        ("0.17.7-dev.1555435978+gb7030aa4.dirty", "", "default_0_17_7_dev_1555435978_gb7030aa4_dirty"),
    ],
)
def test_default_providers_are_named_as_the_real_engine_names_them(version: str, url: str, name: str) -> None:
    # Cases of provider_test.go of pulumi/pulumi 3.272.0.
    assert default_provider_name(version, url) == name


def _resource(name: str, *needs: str, inputs: dict[str, str] | None = None) -> Resource:
    return Resource(
        urn=_urn(name),
        type="t:i:T",
        custom=True,
        inputs=dict(inputs or {}),
        dependencies=tuple(_urn(each) for each in needs),
        property_dependencies={key: [_urn(value)] for key, value in (inputs or {}).items()},
    )


def test_deletions_go_from_dependents_to_what_they_need() -> None:
    order: list[str] = []
    chain = [_resource("a"), _resource("b", "a"), _resource("c", "b"), _resource("d", "a")]
    assert delete_all(chain, lambda each: order.append(each.urn[-1]), parallel=1) == {}
    assert order.index("c") < order.index("b") < order.index("a")
    assert order.index("d") < order.index("a")


def test_what_a_failed_deletion_still_needs_is_left_alone() -> None:
    gone: list[str] = []

    def delete(resource: Resource) -> None:
        if resource.urn == _urn("b"):
            raise OSError("in use")
        gone.append(resource.urn[-1])

    failures = delete_all([_resource("a"), _resource("b", "a"), _resource("c")], delete, parallel=2)
    assert failures == {_urn("b"): "OSError: in use"}
    assert gone == ["c"]


def test_only_dependents_that_would_be_replaced_go_first_and_the_last_goes_first() -> None:
    root = _resource("root")
    entries = [
        root,
        _resource("hard", "root", inputs={"hard": "root"}),
        _resource("soft", "root", inputs={"soft": "root"}),
        _resource("harder", "hard", inputs={"hard": "hard"}),
        _resource("ordered", "root"),
    ]

    def diff(_: Resource, inputs: dict[str, str]) -> Diff:
        unknown = tuple(key for key, value in inputs.items() if value == UNKNOWN)
        return Diff(unknown, tuple(key for key in unknown if key == "hard"))

    assert [each.urn for each in must_go_first(root, entries, diff)] == [_urn("harder"), _urn("hard")]


def test_values_survive_protobuf_with_secrets_at_their_place() -> None:
    values = {"a": [1, 2.5, Secret({"b": "x"})], "c": UNKNOWN, "d": {"e": True}}
    again = from_struct(to_struct(values))
    assert again == values
    assert isinstance(again["a"][0], int)
    assert list(secret_paths(again)) == [("a", 2)]
    assert masked(again, lambda _: "***")["a"][2] == "***"


def test_nulls_are_dropped_at_the_top() -> None:
    struct = struct_pb2.Struct()
    struct.update({"a": None, "b": 1})
    assert from_struct(struct) == {"b": 1}


def test_a_secret_whose_place_is_gone_makes_its_whole_property_secret() -> None:
    marked = mark_secrets({"list": ["a", "b"], "flat": "x"}, [("list", 1), ("flat", "deep"), ("none",)])
    assert marked == {"list": ["a", Secret("b")], "flat": Secret("x")}


def test_compare_never_shows_a_secret() -> None:
    old, new = {"a": Secret("one"), "b": "s"}, {"a": Secret("two"), "b": Secret("t")}
    lines = [str(each) for each in compare(old, new)]
    assert lines == ["~ a: secret changed", "~ b: is secret now"]


def test_entries_and_fields_of_another_writer_are_kept(tmp_path: Path) -> None:
    entry = {"urn": _urn("a"), "type": "t:i:T", "custom": True, "id": "1", "sourcePosition": "project:///x#1"}
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"version": 3, "deployment": {"manifest": {}, "resources": [entry]}}))
    [resource] = read_snapshot(path, "s", Vault(None)).resources
    assert (resource.id, resource.extra) == ("1", {"sourcePosition": "project:///x#1"})


@pytest.mark.parametrize("content", ["", "[]", '{"version": 3', '{"version": 9, "checkpoint": {}}'])
def test_an_unreadable_state_is_refused_with_its_path(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)
    with pytest.raises(RehearsalError, match=r"state\.json"):
        read_snapshot(path, "s", Vault(None))
