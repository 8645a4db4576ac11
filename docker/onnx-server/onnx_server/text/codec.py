"""Everything textual of one model folder: tokenizer, chat template, tokens that end an answer."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from onnx_server.core.errors import ModelRefusedError, RequestRefusedError
from onnx_server.core.model import ModelInfo, read_json
from onnx_server.text.chat import ChatTemplate, Message, find_template
from onnx_server.text.detokenizer import Detokenizer

_PIECE = 16 * 1024
"""Characters of a long text that are counted at once."""
_SPECIAL = ("bos_token", "eos_token", "pad_token", "unk_token")


class TextCodec:
    """Prompts to token ids and back."""

    def __init__(self, info: ModelInfo) -> None:
        path = info.folder / "tokenizer.json"
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise ModelRefusedError(f"{path} cannot be read: {error}") from error
        if (size := self._tokenizer.get_vocab_size()) > info.vocab_size:
            raise ModelRefusedError(
                f"{path} has {size} tokens, the graph {info.vocab_size}: not the same model"
            )
        special = self._special_tokens(info.folder)
        self._template = self._load_template(info.folder, special)
        eos = self._tokenizer.token_to_id(special.get("eos_token", ""))
        self.stop_tokens = info.eos_tokens | (frozenset() if eos is None else {eos})
        """Ids that end an answer: those of the configuration and the tokenizer's own."""

    def encode(self, text: str, limit: int) -> tuple[int, ...]:
        """Token ids of a plain prompt, with what the tokenizer puts before it (often BOS).

        Raises RequestRefusedError for a text of far more than ``limit`` tokens; the exact limit is
        the engine's.
        """
        self._check_size(text, limit)
        return tuple(self._tokenizer.encode(text).ids)

    def encode_chat(self, messages: Sequence[Message], limit: int) -> tuple[int, ...]:
        """Token ids of a conversation. As :meth:`encode`; refused without a chat template."""
        if self._template is None:
            raise RequestRefusedError(
                "this model has no chat template: use /v1/completions", "no_chat_template"
            )
        text = self._template.render(messages)
        self._check_size(text, limit)
        # The template writes BOS and the like itself.
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _check_size(self, text: str, limit: int) -> None:
        """Count a long text in pieces: whole, the tokenizer takes 300 bytes a token for it.

        A cut makes a few tokens more of a word, so only twice the limit is surely too long.
        """
        if len(text) <= _PIECE:
            return
        count = 0
        for start in range(0, len(text), _PIECE):
            count += len(self._tokenizer.encode(text[start : start + _PIECE], add_special_tokens=False))
            if count > 2 * limit:
                raise RequestRefusedError(
                    f"more than {limit} prompt tokens exceed the context length of {limit} tokens: "
                    "shorten the prompt",
                    "context_length_exceeded",
                )

    def detokenizer(self) -> Detokenizer:
        """A fresh one, for one answer."""
        return Detokenizer(self._tokenizer)

    @staticmethod
    def _special_tokens(folder: Path) -> dict[str, str]:
        path = folder / "tokenizer_config.json"
        config = read_json(path) if path.is_file() else {}
        found = {name: config.get(name) for name in _SPECIAL}
        plain = {n: v.get("content") if isinstance(v, dict) else v for n, v in found.items()}
        return {name: value for name, value in plain.items() if isinstance(value, str)}

    @staticmethod
    def _load_template(folder: Path, special: dict[str, str]) -> ChatTemplate | None:
        path = folder / "tokenizer_config.json"
        source = find_template(folder, read_json(path) if path.is_file() else {})
        return None if source is None else ChatTemplate(source, special)
