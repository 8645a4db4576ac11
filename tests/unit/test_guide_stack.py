"""What a guide says to write into a stack's file, the commands take."""

import re
from pathlib import Path

import pytest

from catalog.errors import KitError
from ops import decide, stack_settings
from tests.conftest import ROOT

YAML = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_guide_to_aks_has_a_stack_that_the_commands_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "Pulumi.unit.yaml"
    file.write_text(YAML.findall((ROOT / "docs/guides/aks.md").read_text())[0])
    monkeypatch.setattr(decide, "stack_file", lambda _: file)
    settings = stack_settings.settings_of("unit", with_secrets=False)
    assert settings.kubernetes is not None
    assert settings.autoscaling.keda_namespace == "kube-system"
    assert [model.scaling.min_replicas for model in settings.models] == [0]


@pytest.mark.parametrize(
    ("key", "value", "form"),
    [("autoscaling", "[]", "an object"), ("kubernetes", "yes", "an object"), ("models", "{}", "a list")],
)
def test_a_setting_of_another_form_is_refused_with_the_form_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str, form: str
) -> None:
    file = tmp_path / "Pulumi.unit.yaml"
    file.write_text(
        f"config:\n  slm-kit:target: kubernetes\n  slm-kit:modelSource: hf\n  slm-kit:{key}: {value}\n"
    )
    monkeypatch.setattr(decide, "stack_file", lambda _: file)
    with pytest.raises(KitError, match=f"slm-kit:{key}: must be {form}"):
        stack_settings.settings_of("unit", with_secrets=False)
