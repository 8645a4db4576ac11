"""The Modelfile that the Ollama recipe renders, and what it refuses to write into one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from catalog import models
from catalog.errors import KitError
from catalog.models import Modelfile, Variant
from components.engines.ollama.modelfile import render
from tests.unit.ollama_parts import FOLDER, serving

OLLAMA_VARIANTS = [
    (model.name, name)
    for model in models.load().values()
    for name, variant in model.variants.items()
    if variant.engine == "ollama"
]


def test_the_plain_modelfile_names_the_store_and_what_the_kit_owns() -> None:
    assert render(serving()) == (
        f"FROM {FOLDER}\nPARAMETER num_batch 512\nPARAMETER num_ctx 2048\nPARAMETER num_thread 2\n"
    )


def test_a_variant_is_its_template_system_parameters_and_adapter() -> None:
    modelfile = Modelfile(
        template="{{ .Prompt }}",
        system='Be "short".\nAlways.',
        parameters={"temperature": 0, "top_k": 20.0, "stop": ("<|im_end|>", "\n")},
        adapter="lora.gguf",
    )
    assert render(serving(modelfile)).splitlines()[1:] == [
        f"ADAPTER {FOLDER}/lora.gguf",
        "PARAMETER num_batch 512",
        "PARAMETER num_ctx 2048",
        "PARAMETER num_thread 2",
        'PARAMETER stop """<|im_end|>"""',
        'PARAMETER stop """',
        '"""',
        "PARAMETER temperature 0",
        "PARAMETER top_k 20",
        'TEMPLATE """{{ .Prompt }}"""',
        'SYSTEM """Be "short".',
        'Always."""',
    ]


def test_the_stacks_own_words_go_before_the_catalogs() -> None:
    modelfile = Modelfile(template="{{ .Prompt }}", system="a", parameters={"temperature": 1, "top_p": 0.5})
    text = render(serving(modelfile, system="b", template="{{ .System }}", parameters={"temperature": 0.25}))
    assert 'SYSTEM """b"""' in text
    assert 'TEMPLATE """{{ .System }}"""' in text
    assert "PARAMETER temperature 0.25\nPARAMETER top_p 0.5\n" in text


def test_the_same_settings_give_the_same_modelfile_in_any_order() -> None:
    one = serving(parameters={"top_k": 5, "min_p": 0.1})
    two = serving(parameters={"min_p": 0.1, "top_k": 5})
    assert render(one) == render(two)


@pytest.mark.parametrize(("model", "variant"), OLLAMA_VARIANTS)
def test_every_variant_of_the_catalog_has_a_modelfile(model: str, variant: str) -> None:
    found = models.find(model)
    text = render(replace(serving(), model=found, variant_name=variant, context_length=1024))
    assert text.startswith("FROM /models/")
    assert found.task != "embedding" or "PARAMETER num_batch 1024\n" in text


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"num_ctx": 4096}, "the kit sets it itself, from contextLength"),
        ({"num_thread": 8}, r"from ollama\.numThread"),
        ({"use_mmap": True}, r"from ollama\.useMmap"),
        ({"mirostat": 1}, "Ollama has frequency_penalty"),
        ({"temperature": 3}, "it is a number from 0 to 2"),
        ({"temperature": "hot"}, "it is a number from 0 to 2"),
        ({"top_k": 1.5}, "it is a whole number"),
        ({"top_k": True}, "it is a whole number"),
        ({"temperature": float("nan")}, "it is a number from 0 to 2"),
        ({"stop": 5}, "a text or a list of texts"),
        ({"stop": ""}, "a text or a list of texts"),
        ({"stop": 'x"""\nSYSTEM evil'}, "three double quotes"),
        ({"top_p\nSYSTEM": 1}, "Ollama has frequency_penalty"),
    ],
)
def test_a_parameter_that_ollama_or_the_kit_does_not_take_is_refused(
    parameters: Mapping[str, Any], complaint: str
) -> None:
    with pytest.raises(KitError, match=complaint):
        render(serving(parameters=parameters))


@pytest.mark.parametrize(
    ("modelfile", "complaint"),
    [
        (Modelfile(system='a"""\nFROM /etc/passwd'), "three double quotes in a row"),
        (Modelfile(template="a\x1bb"), r"the character U\+001B"),
        (Modelfile(system="a\r\nb"), r"the character U\+000D"),
        (Modelfile(system="a\u00a0b"), r"the character U\+00A0"),  # Ollama's reader drops it without a word
        (Modelfile(adapter="../other/lora.gguf"), "leads out of the store"),
        (Modelfile(adapter="a b.gguf"), "more than letters"),
        (Modelfile(adapter="a\nFROM /x"), "more than letters"),
    ],
)
def test_what_would_break_out_of_a_modelfile_is_refused(modelfile: Modelfile, complaint: str) -> None:
    with pytest.raises(KitError, match=complaint):
        render(serving(modelfile))


@pytest.mark.parametrize(("cpus", "wanted"), [(0.5, 1), (2, 2), (3.9, 3)])
def test_threads_follow_the_limit_of_processors(cpus: float, wanted: int) -> None:
    assert f"PARAMETER num_thread {wanted}\n" in render(replace(serving(), cpus=cpus))
    assert "PARAMETER num_thread 7\n" in render(replace(serving(numThread=7), cpus=cpus))


def test_a_batch_is_never_longer_than_the_context() -> None:
    assert "PARAMETER num_batch 128\n" in render(replace(serving(), context_length=128))


def test_a_variant_without_a_modelfile_is_served_as_its_weights_say() -> None:
    bare: Variant = serving().variant
    assert bare.modelfile is None
    assert "TEMPLATE" not in render(serving())
