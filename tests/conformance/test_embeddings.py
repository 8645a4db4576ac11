"""Embeddings, of a model that embeds; of another one they are refused."""

import math

import pytest

from tests.conformance.marks import can, cannot
from tests.conformance.models import WIDTH
from tests.conformance.served import Api

pytestmark = pytest.mark.docker


@can("embeddings")
def test_texts_become_vectors(api: Api) -> None:
    texts = ["the quick brown fox", "hello world", "the quick brown fox"]
    # The client asks for base64 unless it is told otherwise.
    answer = api.client.embeddings.create(model=str(api.names.embedding), input=texts)
    assert [each.index for each in answer.data] == [0, 1, 2]
    vectors = [each.embedding for each in answer.data]
    assert {len(vector) for vector in vectors} == {WIDTH}
    assert _cosine(vectors[0], vectors[2]) > 0.9999
    assert _cosine(vectors[0], vectors[1]) < 0.99
    assert answer.usage.prompt_tokens > 0
    assert answer.usage.total_tokens == answer.usage.prompt_tokens
    plain = api.client.embeddings.create(
        model=str(api.names.embedding), input=texts[1], encoding_format="float"
    )
    assert plain.data[0].embedding == pytest.approx(vectors[1], abs=1e-6)


@can("embeddings")
def test_a_text_beyond_the_context_is_refused_and_not_cut(api: Api) -> None:
    error = api.refused("/embeddings", "512", model=api.names.embedding, input="hello " * 2000)
    assert error["code"] == "context_length_exceeded"


@can("embeddings")
def test_a_model_that_embeds_does_not_chat(api: Api) -> None:
    api.refused("/chat/completions", "embedding", model=api.names.embedding)
    api.refused("/completions", "embedding", model=api.names.embedding, prompt="a")


@can("embeddings")
def test_a_model_that_chats_does_not_embed(api: Api) -> None:
    api.refused("/embeddings", "no embedding model", input="a")


@cannot("embeddings")
def test_embeddings_are_refused(api: Api) -> None:
    api.refused("/embeddings", "no embedding model", input="a")


def _cosine(one: list[float], other: list[float]) -> float:
    product = sum(a * b for a, b in zip(one, other, strict=True))
    return product / math.hypot(*one) / math.hypot(*other)
