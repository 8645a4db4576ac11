"""Two engines behind one gateway, and one of them taken away."""

import pytest
import yaml

from tests.conformance.served import ANSWER, SERVED, Api, text_of
from tests.stack.load import Load
from tests.stack.rig import MODEL, Stack, docker

pytestmark = pytest.mark.docker

OF_OLLAMA = ("smollm2-ollama", "tiny-embedding", "models-tiny-embedding", f"models-{MODEL}-gguf")
"""What the names of its containers and volumes begin with: engines, and the jobs that fetch their models."""
REWRITTEN = "gateway-config"
"""Tells the gateway its routes; the gateway itself stays."""

Parts = dict[str, dict[str, str]]


def test_all_engines_answer_through_the_one_gateway_and_are_listed(stack: Stack) -> None:
    listed = {model.id for model in stack.client().models.list()}
    assert listed == {name for served in SERVED.values() for name in served if name}
    for engine in SERVED:
        assert ANSWER in text_of(Api(stack, engine).chat())
    assert len(stack.containers("gateway")) == 1


def test_a_dropped_engine_goes_with_exactly_its_parts_and_nobody_notices(stack: Stack) -> None:
    dropped = [name for name in SERVED["ollama"] if name]
    before, images = _parts(stack), _images(stack)
    config = yaml.safe_load(stack.file.read_text())
    models = config["config"]["slm-kit:models"]
    config["config"]["slm-kit:models"] = [model for model in models if model["name"] not in dropped]
    stack.file.write_text(yaml.safe_dump(config))
    with Load(stack) as load:
        stack.must("up")
    after = _parts(stack)
    assert set(load.answers) == {(200, "")}, load.answers
    assert load.answers[200, ""] > 5
    for kind, parts in before.items():
        its = {part for part, name in parts.items() if name.startswith(OF_OLLAMA)}
        assert its or kind == "networks"
        assert _beside_routes(parts, after[kind]) == its, kind
        assert not _beside_routes(after[kind], parts), kind
    # Pulumi leaves images in the daemon; `make down` removes them, which the end of the suite looks at.
    assert _images(stack) >= images - {"slm-kit/ollama", "slm-kit/model-tools-fetch"}
    assert [model.id for model in stack.client().models.list()] == [MODEL]
    refused = stack.chat(SERVED["ollama"].chat)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")


def _beside_routes(parts: dict[str, str], others: dict[str, str]) -> set[str]:
    """What is in the first and not in the second, without the gateway's routes."""
    return {part for part, name in parts.items() if part not in others and not name.startswith(REWRITTEN)}


def _parts(stack: Stack) -> Parts:
    """Kind -> id -> name of everything that Docker has of the stack."""
    label = ("--filter", f"label=slm-kit.stack={stack.name}")
    listings = {
        "containers": ("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}}", *label),
        "networks": ("network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}", *label),
        "volumes": ("volume", "ls", "--format", "{{.Name}} {{.Name}}", *label),
    }
    rows = {kind: docker(*listing).splitlines() for kind, listing in listings.items()}
    return {kind: dict(row.split(" ", 1) for row in found) for kind, found in rows.items()}


def _images(stack: Stack) -> set[str]:
    reference = f"reference=slm-kit/*:{stack.name}"
    return set(docker("image", "ls", "--format", "{{.Repository}}", "--filter", reference).split())
