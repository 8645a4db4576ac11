"""`make images MODELS=…`: a model as an image, as the store would have it, made by a real engine."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stack.rig import TINY, TINY_FOLDER, UP_SECONDS, Stack, docker, new_stack, served_files

pytestmark = pytest.mark.docker
NAME = "test-model-images"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack on a cluster, never up, that has the tiny model as an image; what it made is removed."""
    made = new_stack(NAME, 1, tmp_path_factory.mktemp("model-images"))
    write(made)
    yield made
    for reference in listed("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"{NAME}/*"):
        docker("image", "rm", reference)
    for volume in volumes():
        docker("volume", "rm", volume)


def write(stack: Stack, **changes: Any) -> None:
    config = {
        "target": "kubernetes",
        "kubernetes": {"images": {"prefix": NAME, "tag": "1"}, "modelImages": {}},
        "models": [{"name": "tiny", "model": TINY, "engine": "onnx", "contextLength": 128, "concurrency": 1}],
        "keys": [{"id": "default"}],
        "modelSource": "file",
        "modelFolder": str(TINY_FOLDER),
        "monitoring": {"enabled": False},
        **changes,
    }
    named = {f"slm-kit:{key}": value for key, value in config.items() if value is not None}
    stack.file.write_text(yaml.safe_dump({"config": named}))


def make(stack: Stack) -> str:
    return stack.must("images", "--prefix", NAME, "--models", "tiny")


def listed(*arguments: str) -> list[str]:
    return docker(*arguments).split()


def volumes() -> list[str]:
    """What unfinished runs left."""
    return listed("volume", "ls", "--format", "{{.Name}}", "--filter", f"name=slm-kit-model-{TINY}")


def reference(stack: Stack) -> str:
    """The image that the rendered stack mounts."""
    found: str = json.loads(rendered(stack))["outputs"]["modelImages"]["tiny"]
    return found


def rendered(stack: Stack) -> str:
    """Standard output alone: what is said beside it is no JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "ops", "render", "--stack", stack.name],
        cwd=stack.checkout, env=stack.environment(), text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def image(stack: Stack) -> str:
    said = make(stack)
    assert said.splitlines()[-1] == f"slm-kit:kubernetes: {{modelImages: {{prefix: {NAME}}}}}"
    return reference(stack)


@pytest.fixture(scope="module")
def content(image: str) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    """Everything in the image, by its path."""
    saved = subprocess.run(["docker", "save", image], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        (layer,) = json.loads(read(archive, "manifest.json"))[0]["Layers"]
        with tarfile.open(fileobj=io.BytesIO(read(archive, layer))) as files:
            return {each.name: (each, read(files, each.name) if each.isfile() else b"") for each in files}


def read(archive: tarfile.TarFile, name: str) -> bytes:
    opened = archive.extractfile(name)
    assert opened is not None
    return opened.read()


def test_the_image_that_the_stack_mounts_is_there_and_nothing_else_is_left(image: str) -> None:
    assert image.startswith(f"{NAME}/model-{TINY}-onnx-fp32:")
    assert docker("image", "inspect", "--format", "{{len .RootFS.Layers}}", image).strip() == "1"
    assert volumes() == []


def test_its_files_are_the_models_and_its_manifest_below_the_stores_folders(
    content: dict[str, tuple[tarfile.TarInfo, bytes]],
) -> None:
    (manifest,) = (name for name in content if name.endswith("/manifest.json"))
    folder = manifest.removesuffix("/manifest.json")
    assert folder.startswith(f"{TINY}/onnx-fp32/")
    wanted = {f"{folder}/{each['name']}": each["sha256"] for each in served_files(TINY_FOLDER)}
    files = {name: data for name, (entry, data) in content.items() if entry.isfile() and name != manifest}
    assert {name: hashlib.sha256(data).hexdigest() for name, data in files.items()} == wanted
    folders = {name for name, (entry, _) in content.items() if entry.isdir()}
    assert folders == {TINY, f"{TINY}/onnx-fp32", folder}


def test_everybody_may_read_it_and_times_are_those_of_the_manifest(
    content: dict[str, tuple[tarfile.TarInfo, bytes]],
) -> None:
    for entry, _ in content.values():
        assert (entry.uid, entry.gid) == (0, 0)
        assert entry.mode & (0o555 if entry.isdir() else 0o444) == (0o555 if entry.isdir() else 0o444)
    (name,) = (each for each in content if each.endswith("/manifest.json"))
    for file in json.loads(content[name][1])["files"]:
        entry = content[name.replace("manifest.json", file["name"])][0]
        # A file with another time is hashed again at each start.
        assert entry.mtime == pytest.approx(file["mtime_ns"] / 1e9, abs=1e-6)


def test_a_second_run_makes_nothing(stack: Stack, image: str) -> None:
    before = docker("image", "inspect", "--format", "{{.Id}}", image)
    said = make(stack)
    assert f"{image} is there already" in said
    assert "building" not in said
    assert docker("image", "inspect", "--format", "{{.Id}}", image) == before


def test_an_interrupted_run_is_continued(stack: Stack, image: str) -> None:
    docker("image", "rm", image)
    process = subprocess.Popen(
        [sys.executable, "-m", "ops", "images", "--prefix", NAME, "--models", "tiny", "--stack", stack.name],
        cwd=stack.checkout, env=stack.environment(), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + UP_SECONDS
    while process.poll() is None and not volumes():
        assert time.monotonic() < deadline, "no volume appeared"
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "killed in the middle"
    make(stack)
    assert docker("image", "inspect", "--format", "{{.Id}}", image)
    assert volumes() == []


def test_a_damaged_file_becomes_no_image(stack: Stack, image: str, tmp_path: Path) -> None:
    docker("image", "rm", image)
    folder = tmp_path / "damaged"
    shutil.copytree(TINY_FOLDER, folder)
    tmp_path.chmod(0o755)
    file = max(folder.iterdir(), key=lambda each: each.stat().st_size)
    file.write_bytes(bytes(len(file.read_bytes())))
    write(stack, modelFolder=str(folder))
    try:
        refused = stack.ops("images", "--prefix", NAME, "--models", "tiny")
    finally:
        write(stack)
    assert refused.returncode == 3, refused.stdout
    assert file.name in refused.stdout
    assert listed("image", "ls", "--quiet", image) == []
    make(stack)


@pytest.mark.parametrize(
    ("changes", "models", "words"),
    [
        ({}, ["big"], "model 'big': the stack hosts tiny"),
        ({"modelSource": None}, [], "slm-kit:modelSource: is open"),
        ({"kubernetes": None, "target": "local-docker"}, ["tiny"], "are images for a cluster only"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_built(
    stack: Stack, changes: dict[str, Any], models: list[str], words: str
) -> None:
    write(stack, **changes)
    try:
        refused = stack.ops("images", "--models", *models)
    finally:
        write(stack)
    assert refused.returncode == 2, refused.stdout
    assert words in refused.stdout
    assert "building" not in refused.stdout
