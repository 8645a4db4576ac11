from __future__ import annotations

import json
import math

import pytest
from kit import CONTENT, Tool, web_spec
from model_tools.quality import PERPLEXITY_RATIO_LIMIT, Comparison
from model_tools.spec import QUANTIZATIONS
from origin import Origin


def comparison(**changes: float) -> Comparison:
    sound = {
        "tokens": 1020, "reference": "transformers, float32", "reference_perplexity": 20.0,
        "perplexity": 21.0, "ratio": 1.05, "ratio_limit": 1.1, "same_next_token": 0.9, "same_tokens": 1.0,
        "answers": 3, "answers_equal": 2,
    }  # fmt: skip
    return Comparison.model_validate(sound | changes)


def test_a_sound_result_has_no_problem() -> None:
    assert comparison().problem() is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"perplexity": math.nan, "ratio": math.nan}, "not a number"),
        ({"perplexity": math.inf, "ratio": math.inf}, "not a number"),
        ({"perplexity": 24.0, "ratio": 1.2}, "1.20 times the source's, the limit is 1.1"),
        ({"same_tokens": 0.5}, "50 % of a text"),
    ],
)
def test_a_broken_result_is_named(changes: dict[str, float], problem: str) -> None:
    assert problem in str(comparison(**changes).problem())


def test_every_quantization_has_a_limit() -> None:
    assert set(PERPLEXITY_RATIO_LIMIT) == {each for known in QUANTIZATIONS.values() for each in known}


def test_a_manifest_from_before_there_were_comparisons_is_kept(tool: Tool, origin: Origin) -> None:
    origin.put("/m", CONTENT)
    spec = web_spec(f"{origin.url}/m")
    assert tool.ensure(spec).code == 0
    file = tool.folder(spec) / "manifest.json"
    content = json.loads(file.read_text())
    assert content.pop("schema_version") == 2
    assert content.pop("quality") is None
    file.write_text(json.dumps(content))
    assert tool.ensure(spec).out == f"kept {spec['path']}\n"
