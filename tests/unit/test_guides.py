"""What the guides say can be typed as it stands, as far as no cluster and no cloud is needed."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

GUIDES = sorted((ROOT / "docs/guides").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *GUIDES]
EXAMPLES = sorted((ROOT / "stacks").glob("Pulumi.*.example.yaml"))
AKS = ROOT / "docs/guides/aks.md"


def _commands(page: str) -> list[str]:
    """Lines of code blocks without a language, continued ones joined, and what stands in backticks."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = "".join(block for language, block in blocks if not language).replace("\\\n", " ").splitlines()
    prose = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    return [*lines, *(" ".join(found.split()) for found in re.findall(r"`([^`]+)`", prose))]


@pytest.mark.parametrize("file", [*PAGES, *EXAMPLES], ids=lambda file: file.name)
def test_a_tag_of_images_is_text_in_yaml(file: Path) -> None:
    for written in re.findall(r"\btag: ([^,}\s]+)", file.read_text()):
        assert isinstance(yaml.safe_load(written), str), f"tag: {written}"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda file: file.name)
def test_a_command_of_the_pulumi_cli_says_its_stack_and_the_guide_where_the_cli_is(guide: Path) -> None:
    page = guide.read_text()
    commands = [each for each in _commands(page) if each.startswith("pulumi ")]
    for command in commands:
        assert "--stack" in shlex.split(command, comments=True), command
    if commands:
        assert 'export PATH="$PATH:$PWD/.pulumi-cli/pulumi"' in page
        assert "export PULUMI_BACKEND_URL=" in page
        assert "export PULUMI_CONFIG_PASSPHRASE_FILE=" in page


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_no_command_needs_the_checkouts_python_by_another_name(file: Path) -> None:
    assert not [each for each in _commands(file.read_text()) if each.startswith("python -m ")]


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_each_make_command_is_one(file: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for command in _commands(file.read_text()):
        for words in re.findall(r"(?:^|&& )(?:[A-Z]+=\S+ )?make (?:-s )?([a-z|-]+)", command):
            assert set(words.split("|")) <= targets, command


def test_the_way_to_aks_is_told_in_an_order_that_works() -> None:
    page = AKS.read_text()
    steps = [
        "az ad group create", "az ad group member add", "make up STACK=aks", "make lock-models", "```yaml",
        "az acr login --name", "make images", "make up STACK=kubernetes",
    ]  # fmt: skip
    blocks = "\n".join(re.findall(r"^```.*?^```", page, re.MULTILINE | re.DOTALL))
    found = [blocks.index(step) for step in steps]
    assert found == sorted(found), dict(zip(steps, found, strict=True))


def test_the_guide_to_aks_names_the_keda_that_scaling_needs() -> None:
    needed = re.search(r"KEDA (\d+\.\d+) or later", (ROOT / "stacks/scaling_settings.py").read_text())
    assert needed
    assert needed[0] in " ".join(AKS.read_text().split())


def test_nothing_waits_behind_a_port_forward_in_the_background() -> None:
    for guide in GUIDES:
        for command in _commands(guide.read_text()):
            assert not re.search(r"port-forward.*&\s*$", command), f"{guide.name}: {command}"
