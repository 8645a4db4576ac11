"""Text as it comes: nothing incomplete is shown, and the pieces are the whole."""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from onnx_server.core.errors import ModelRefusedError, RequestRefusedError
from onnx_server.core.model import ModelInfo
from onnx_server.core.ticket import Event, Finish
from onnx_server.text.answer import Answer
from onnx_server.text.chat import ChatTemplate, find_template
from onnx_server.text.codec import TextCodec
from onnx_server.text.detokenizer import Detokenizer
from onnx_server.text.stops import StopScanner
from tokenizers import Tokenizer


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> Tokenizer:
    return Tokenizer.from_file(str(tiny_model / "tokenizer.json"))


@pytest.mark.parametrize("seed", range(20))
def test_pieces_of_any_tokens_are_together_what_the_tokenizer_decodes(
    tokenizer: Tokenizer, seed: int
) -> None:
    ids = random.Random(seed).choices(range(tokenizer.get_vocab_size()), k=200)
    detokenizer = Detokenizer(tokenizer)
    pieces = [detokenizer.feed(token) for token in ids]
    assert "".join(pieces) + detokenizer.flush() == tokenizer.decode(ids)


def test_a_character_that_spans_tokens_is_shown_whole(tokenizer: Tokenizer) -> None:
    text = "añ→🦊 汉字 e\u0301"
    ids = tokenizer.encode(text).ids
    detokenizer = Detokenizer(tokenizer)
    pieces = [detokenizer.feed(token) for token in ids]
    assert len(ids) > len(text), "characters of this text take several tokens"
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)


def test_bytes_that_never_become_a_character_come_out_at_the_end(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("ok🦊").ids[:-1]
    detokenizer = Detokenizer(tokenizer)
    assert "".join(detokenizer.feed(token) for token in ids) == "ok"
    assert detokenizer.flush() == "\ufffd"


def cut(text: str, rng: random.Random) -> list[str]:
    places = sorted(rng.choices(range(len(text) + 1), k=rng.randint(0, 8)))
    return [text[a:b] for a, b in pairwise([0, *places, len(text)])]


@pytest.mark.parametrize("seed", range(200))
def test_stop_sequences_end_the_text_wherever_it_is_cut(seed: int) -> None:
    rng = random.Random(seed)
    text = "".join(rng.choices("ab", k=30))
    stops = ["".join(rng.choices("ab", k=rng.randint(1, 6))) for _ in range(rng.randint(1, 4))]
    ends = [(at + len(s), at) for s in stops if (at := text.find(s)) >= 0]
    expected = text[: min(ends)[1]] if ends else text
    scanner = StopScanner(stops)
    shown = "".join(scanner.feed(piece) for piece in cut(text, rng))
    assert scanner.stopped == bool(ends)
    assert shown + ("" if scanner.stopped else scanner.flush()) == expected


def test_only_what_could_become_a_stop_sequence_is_held_back() -> None:
    scanner = StopScanner(["END"])
    assert scanner.feed("the E") == "the "
    assert scanner.feed("N") == ""
    assert scanner.feed("x") == "ENx"
    assert scanner.flush() == ""


def test_a_stop_sequence_that_spans_tokens_ends_the_answer(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("the quick zebra").ids
    answer = Answer(Detokenizer(tokenizer), ["ck zeb"])
    pieces = [answer.feed(Event(token, None, 0.0)) for token in ids]
    assert "".join(piece.text for piece in pieces) == "the qui"
    assert answer.finish is Finish.STOP
    assert answer.tokens < len(ids), "tokens after the stop sequence are not counted"


def test_held_back_text_comes_out_when_the_answer_ends(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("say EN").ids
    answer = Answer(Detokenizer(tokenizer), ["END"])
    pieces = [answer.feed(Event(token, None, 0.0)) for token in ids]
    pieces.append(answer.feed(Event(2, Finish.STOP, 0.0)))
    assert "".join(piece.text for piece in pieces) == "say EN"


def test_the_prompt_is_what_the_chat_template_makes(tiny_info: ModelInfo) -> None:
    codec = TextCodec(tiny_info)
    ids = codec.encode_chat([{"role": "user", "content": "hello world"}], limit=512)
    plain = "<|im_start|>user\nhello world<|im_end|>\n<|im_start|>assistant\n"
    assert ids == codec.encode(plain, limit=512)
    assert codec.stop_tokens == {2}


def test_a_text_of_far_more_than_the_limit_is_refused_in_pieces(
    tiny_info: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec = TextCodec(tiny_info)
    sizes: list[int] = []

    class Watched:
        def encode(self, text: str, **_options: bool) -> list[int]:
            sizes.append(len(text))
            return [0] * len(text)

    monkeypatch.setattr(codec, "_tokenizer", Watched())
    with pytest.raises(RequestRefusedError, match="context length of 512"):
        codec.encode("x" * 1_000_000, limit=512)
    assert sum(sizes) < 100_000


def test_a_long_text_within_the_limit_is_encoded_whole(tiny_info: ModelInfo) -> None:
    codec = TextCodec(tiny_info)
    text = "hello world " * 5000
    ids = codec.encode(text, limit=100_000)
    assert ids == tuple(Tokenizer.from_file(str(tiny_info.folder / "tokenizer.json")).encode(text).ids)


def test_a_template_cannot_reach_out_of_its_sandbox() -> None:
    for source in ("{{ ''.__class__.__mro__ }}", "{{ messages.append(1) }}"):
        with pytest.raises(RequestRefusedError):
            ChatTemplate(source, {}).render([])


def test_a_template_may_refuse_messages_with_its_own_words() -> None:
    template = ChatTemplate("{{ raise_exception('roles must alternate') }}", {})
    with pytest.raises(RequestRefusedError, match="roles must alternate"):
        template.render([])


def test_a_template_that_does_not_compile_is_refused_at_start() -> None:
    with pytest.raises(ModelRefusedError, match="does not compile"):
        ChatTemplate("{% for %}", {})


def test_a_template_is_found_in_the_tokenizer_configuration(tmp_path: Path) -> None:
    named = [{"name": "default", "template": "A"}, {"name": "tool_use", "template": "B"}]
    assert find_template(tmp_path, {"chat_template": named}) == "A"
    assert find_template(tmp_path, {"chat_template": "C"}) == "C"
    assert find_template(tmp_path, {}) is None
    (tmp_path / "chat_template.jinja").write_text("D")
    assert find_template(tmp_path, {"chat_template": "C"}) == "D"
