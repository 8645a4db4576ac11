"""Resource options: what is implemented does what the real engine does, the rest is refused by name."""

import pytest

from tests.rehearsal.rig import Stack


def test_protect_stops_deletion_replacement_and_down(stack: Stack) -> None:
    stack.program('File("f", {"name": "one", "content": "x"}, Opts(protect=True))').run("up")
    assert "protected" in stack.run("down", code=2)
    text = stack.program('File("f", {"name": "two", "content": "x"}, Opts(protect=True))').run("up", code=5)
    assert "would be replaced; it is protected" in text
    assert "would be deleted; it is protected" in stack.program("").run("up", code=5)
    assert stack.files() == {"one": "x"}
    stack.program('File("f", {"name": "one", "content": "x"})').run("up")
    stack.run("down")
    assert stack.files() == {}


def test_retain_on_delete_leaves_the_object(stack: Stack) -> None:
    stack.program('File("f", {"name": "one", "content": "x"}, Opts(retain_on_delete=True))').run("up")
    stack.run("down")
    assert stack.files() == {"one": "x"}


def test_ignore_changes_keeps_the_old_value(stack: Stack) -> None:
    program = """
        File("f", {{"content": "{0}", "labels": {{"a": "{0}", "b": "{1}"}}}},
             Opts(ignore_changes=["content", "labels.a"]))
    """
    stack.program(program.format("x", "x")).run("up")
    stack.program(program.format("y", "x"))
    assert stack.steps() == {}
    stack.program(program.format("y", "z"))
    assert stack.steps() == {"f": "update"}
    stack.run("up")
    assert stack.entries()["f"]["inputs"]["labels"] == {"a": "x", "b": "z"}


def test_replace_on_changes_makes_a_replacement_of_an_update(stack: Stack) -> None:
    program = 'File("f", {{"content": "{}"}}, Opts(replace_on_changes=["content"]))'
    stack.program(program.format("x")).run("up")
    text = stack.program(program.format("y")).run("preview")
    assert "(forces replacement)" in text
    assert "1 to replace" in text
    stack.run("up")
    assert stack.files() == {"f": "y"}


def test_a_renamed_component_with_an_alias_keeps_its_children(stack: Stack) -> None:
    stack.program('Box("old", "x")').run("up")
    id_ = stack.entries()["old-file"]["id"]
    stack.program('Box("new", "x", Opts(aliases=[pulumi.Alias(name="old")]))')
    assert stack.steps() == {}
    stack.run("up")
    assert stack.entries()["new-file"]["id"] == id_
    assert not any("old-" in each["urn"] for each in stack.checkpoint()["resources"])


def test_a_resource_that_moves_under_a_parent_is_found_by_an_alias(stack: Stack) -> None:
    stack.program('File("f", {"content": "x"})').run("up")
    stack.program("""
        class Group(pulumi.ComponentResource):
            pass
        group = Group("test:index:Group", "g")
        File("f", {"content": "x"}, Opts(parent=group, aliases=[pulumi.Alias(parent=None)]))
    """)
    assert stack.steps() == {"g": "create"}


def test_transforms_change_children_of_a_component_and_of_the_stack(stack: Stack) -> None:
    stack.program("""
        def louder(args):
            if args.type_ == "file:index:File":
                return pulumi.ResourceTransformResult({**args.props, "content": "LOUD"}, args.opts)
        def guarded(args):
            return pulumi.ResourceTransformResult(args.props, Opts.merge(args.opts, Opts(protect=True)))
        pulumi.runtime.register_resource_transform(guarded)
        Box("box", "quiet", Opts(transforms=[louder]))
        File("plain", {"content": "quiet"})
    """)
    found = {each["name"]: each for each in stack.json("render")["resources"]}
    assert found["box-file"]["inputs"]["content"] == "LOUD"
    assert found["plain"]["inputs"]["content"] == "quiet"
    assert found["box-file"]["protect"]
    assert found["plain"]["protect"]
    assert found["box-file"]["inputs"]["folder"] == "[unknown]"


def test_an_explicit_provider_has_a_target_of_its_own(stack: Stack) -> None:
    (stack.target / "elsewhere").mkdir()
    stack.program(f"""
        own = FileProvider("own", root={str(stack.target / "elsewhere")!r})
        File("f", {{"content": "x"}}, Opts(provider=own))
        File("g", {{"content": "y"}})
    """).run("up")
    assert stack.files() == {"elsewhere": "<folder>", "elsewhere/f": "x", "g": "y"}
    assert stack.entries()["f"]["provider"].startswith("urn:pulumi:dev::proj::pulumi:providers:file::own::")
    stack.run("down")
    assert stack.files() == {"elsewhere": "<folder>"}


def test_a_stack_reference_reads_the_other_stack_and_keeps_its_secrets_secret(stack: Stack) -> None:
    stack.program("pulumi.export('open', 'o'); pulumi.export('key', pulumi.Output.secret('s3cr3t'))")
    stack.run("up")
    stack.state_file.rename(stack.state_file.with_name("other.json"))
    stack.program("""
        other = pulumi.StackReference("organization/proj/other")
        pulumi.export("open", other.get_output("open"))
        pulumi.export("key", other.get_output("key"))
    """).run("up")
    assert stack.json("output") == {"open": "o", "key": "[secret]"}
    assert "s3cr3t" not in stack.state_file.read_text()
    missing = stack.program('pulumi.StackReference("organization/proj/none")').run("up", code=5)
    assert "run `up` for organization/proj/none first" in missing


def test_custom_timeouts_are_kept_in_seconds(stack: Stack) -> None:
    stack.program('File("f", {"content": "x"}, Opts(custom_timeouts=pulumi.CustomTimeouts(create="1h30m")))')
    stack.run("up")
    assert stack.entries()["f"]["customTimeouts"] == {"create": 5400.0}


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ('File("f", {"content": "x"}, Opts(import_="there"))', "option import"),
        (
            'a = File("a", {"content": "x"}); File("f", {"content": "x"}, Opts(deleted_with=a))',
            "deleted_with",
        ),
        ('File("f", {"content": "x"}, Opts(replacement_trigger=1))', "replacement_trigger"),
        ('File("f", {"content": "x"}, Opts(ignore_changes=["labels.*"]))', "wildcard 'labels.*'"),
        ('File("f", {"content": "x", "colour": "red"})', "no input ['colour']"),
        ('pulumi.CustomResource("file:index:Fifo", "f", {})', "file:index:Fifo"),
        ('pulumi.CustomResource("aws:s3:Bucket", "f", {})', "'aws'"),
        ('pulumi.runtime.invoke("file:index:getFile", {})', "file:index:getFile"),
        ('File("f", {"content": "x"}, Opts(id="there"))', "reading existing resources"),
    ],
)
def test_what_is_not_implemented_is_refused_by_name(stack: Stack, program: str, name: str) -> None:
    first = 'File("f", {"content": "x"})' if "ignore_changes" in program else ""
    if first:
        stack.program(first).run("up")
    text = stack.program(program).run("preview", code=5)
    assert name in text
    assert "Next step" in text


def test_two_resources_of_one_name_are_refused(stack: Stack) -> None:
    text = stack.program('File("f", {"content": "x"})\nFile("f", {"content": "y"})').run("up", code=5)
    assert "duplicate resource URN" in text


def test_a_program_error_is_one_message_with_the_place(stack: Stack) -> None:
    text = stack.program("""
        File("f", {"content": "x"})
        raise ValueError("port 99999 is too large")
    """).run("up", code=5)
    assert "ValueError: port 99999 is too large" in text
    assert "__main__.py:6" in text
    assert stack.files() == {"f": "x"}


def test_an_error_with_an_exit_code_of_its_own_keeps_it(stack: Stack) -> None:
    text = stack.program("""
        class Mine(Exception):
            exit_code = 3
        raise Mine("no engine; start it")
    """).run("preview", code=3)
    assert "error: no engine; start it" in text
