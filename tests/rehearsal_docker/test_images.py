"""Images built by a real engine's classic builder."""

import os
from pathlib import Path
from typing import Any

import docker
import pytest

from rehearsal.backend import UNKNOWN, Existing, RefusedError, ResourceFailedError
from rehearsal.docker_backend import DockerBackend
from tests.rehearsal_docker.conftest import CONTAINER, IMAGE, LABEL, Hands

pytestmark = pytest.mark.docker

DOCKERFILE = f"""\
ARG BASE
FROM ${{BASE}} AS first
ARG WORD=none
ARG RUN_ID
LABEL {LABEL}=${{RUN_ID}}
RUN echo "${{WORD}}" > /word
FROM first AS last
COPY . /app
CMD ["sh", "-c", "cat /word; find /app -type f | sort"]
"""


class Project:
    """A program's folder with a build context in it."""

    def __init__(self, root: Path, hands: Hands, run_id: str) -> None:
        self.hands, self.run_id = hands, run_id
        self.context = root / "app"
        self.context.mkdir()
        (self.context / "Dockerfile").write_text(DOCKERFILE)
        (self.context / "main.py").write_text("print('hi')\n")

    def inputs(self, **build: Any) -> dict[str, Any]:
        args = {"BASE": self.hands.base, "RUN_ID": self.run_id, **build.pop("args", {})}
        return self.hands.check(
            IMAGE,
            "app",
            imageName=f"rehearsal-{self.run_id}:dev",
            skipPush=True,
            build={"context": "app", "dockerfile": "app/Dockerfile", "args": args, **build},
        )

    def build(self, **build: Any) -> Existing:
        return self.hands.backend.create(IMAGE, "urn:x::app", self.inputs(**build), self.hands.said.append)

    def changed(self, built: Existing, **build: Any) -> tuple[str, ...]:
        return self.hands.backend.diff(IMAGE, built, self.inputs(**build)).changed

    def said_by(self, built: Existing) -> list[str]:
        made = self.hands.create(
            CONTAINER, "run", image=built.outputs["repoDigest"], mustRun=False, attach=True, logs=True
        )
        return str(made.outputs["containerLogs"]).split()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hands: Hands, run_id: str) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path, hands, run_id)


def test_an_image_is_built_with_its_arguments_one_line_a_step(
    project: Project, hands: Hands, client: docker.DockerClient
) -> None:
    built = project.build(args={"WORD": "given"})
    assert built.id == f"rehearsal-{project.run_id}:dev"
    assert built.outputs["repoDigest"] == client.images.get(built.id).id
    assert built.outputs["baseImageName"] == built.outputs["imageName"] == built.id
    assert built.outputs["dockerfile"] == "Dockerfile"
    assert [line.split(" :")[0] for line in hands.said] == [f"Step {at}/9" for at in range(1, 10)]
    assert project.said_by(built) == ["given", "/app/Dockerfile", "/app/main.py"]


def test_an_unchanged_context_is_no_change_and_its_digest_is_known(project: Project) -> None:
    built = project.build()
    assert project.changed(built) == ()
    assert project.hands.refreshed(IMAGE, built) == built
    os.utime(project.context / "main.py", (1, 1))
    assert project.changed(built) == ()


@pytest.mark.parametrize("change", ["content", "mode", "new file", "rename", "symlink", "dockerfile"])
def test_a_changed_context_is_built_again(project: Project, change: str) -> None:
    built = project.build()
    main = project.context / "main.py"
    if change == "content":
        main.write_text("print('ho')\n")
    elif change == "mode":
        main.chmod(0o755)
    elif change == "new file":
        (project.context / "more").touch()
    elif change == "rename":
        main.rename(project.context / "other.py")
    elif change == "symlink":
        (project.context / "link").symlink_to("main.py")
    else:
        (project.context / "Dockerfile").write_text(DOCKERFILE + "ENV A=1\n")
    assert project.changed(built) == ("build",)
    assert project.hands.backend.preview(IMAGE, project.inputs())["repoDigest"] == UNKNOWN
    again = project.hands.backend.update(IMAGE, built, project.inputs(), project.hands.said.append)
    assert again.outputs["repoDigest"] != built.outputs["repoDigest"]
    assert project.changed(again) == ()


def test_changed_settings_are_built_again(project: Project) -> None:
    built = project.build()
    assert project.changed(built, args={"WORD": "other"}) == ("build",)
    assert project.changed(built, target="first") == ("build",)
    assert project.changed(built, args={"WORD": UNKNOWN}) == ("build",)


def test_a_target_ends_the_build_early(project: Project) -> None:
    built = project.build(target="first", platform="linux/amd64", args={"WORD": "only"})
    made = project.hands.create(
        CONTAINER,
        "run",
        image=built.outputs["repoDigest"],
        command=["sh", "-c", "cat /word; ls /app 2>/dev/null || echo none"],
        mustRun=False,
        attach=True,
        logs=True,
    )
    assert made.outputs["containerLogs"] == "only\nnone\n"


def test_ignored_files_are_neither_built_in_nor_counted(project: Project) -> None:
    (project.context / ".dockerignore").write_text("# nothing private\n*.log\ncache/\n!keep.log\n**/*.pyc\n")
    (project.context / "cache").mkdir()
    (project.context / "cache" / "big").write_text("1")
    (project.context / "sub").mkdir()
    (project.context / "sub" / "a.pyc").write_text("1")
    (project.context / "a.log").write_text("1")
    (project.context / "keep.log").write_text("1")
    built = project.build()
    files = {Path(line).name for line in project.said_by(built)[1:]}
    assert files == {".dockerignore", "Dockerfile", "main.py", "keep.log"}
    (project.context / "a.log").write_text("2")
    (project.context / "cache" / "more").write_text("2")
    assert project.changed(built) == ()
    (project.context / "keep.log").write_text("2")
    assert project.changed(built) == ("build",)


def test_a_dockerfile_outside_of_the_context_is_used_and_not_copied(project: Project) -> None:
    Path("other.Dockerfile").write_text(DOCKERFILE + "ENV OTHER=1\n")
    (project.context / "Dockerfile").unlink()
    built = project.build(dockerfile="other.Dockerfile")
    assert built.outputs["dockerfile"] == "../other.Dockerfile"
    assert project.said_by(built) == ["none", "/app/main.py"]
    assert project.changed(built, dockerfile="other.Dockerfile") == ()


def test_a_dockerfile_path_seen_from_the_context_is_refused_with_the_right_one(project: Project) -> None:
    with pytest.raises(RefusedError, match=r"relative to the program.*Set it to app/Dockerfile"):
        project.inputs(dockerfile="Dockerfile")


def test_a_failing_build_shows_its_last_lines(project: Project) -> None:
    lines = "RUN seq 1 40 && echo wrong turn && exit 7\n"
    (project.context / "Dockerfile").write_text(DOCKERFILE + lines)
    with pytest.raises(ResourceFailedError) as failure:
        project.build()
    text = str(failure.value)
    assert all(part in text for part in ["returned a non-zero code: 7", "wrong turn", "\n40\n"])
    assert "\n5\n" not in text


def test_an_image_that_is_gone_is_built_again(project: Project, client: docker.DockerClient) -> None:
    built = project.build(args={"WORD": "soon gone"})
    client.images.remove(built.id, force=True)
    assert project.changed(built, args={"WORD": "soon gone"}) == ("repoDigest",)
    assert project.hands.backend.read(IMAGE, built.id, built.outputs) is None


def test_deleting_leaves_the_image_on_the_engine(
    project: Project, backend: DockerBackend, client: docker.DockerClient
) -> None:
    built = project.build()
    backend.delete(IMAGE, built.id, built.outputs, lambda _: None)
    assert client.images.get(built.id).id == built.outputs["repoDigest"]


def test_a_preview_knows_all_but_the_digest(project: Project) -> None:
    known = project.hands.backend.preview(IMAGE, project.inputs(platform="linux/arm64"))
    assert known == {
        "imageName": f"rehearsal-{project.run_id}:dev",
        "baseImageName": f"rehearsal-{project.run_id}:dev",
        "registryServer": "",
        "repoDigest": UNKNOWN,
        "context": "app",
        "dockerfile": "Dockerfile",
        "platform": "linux/arm64",
    }
