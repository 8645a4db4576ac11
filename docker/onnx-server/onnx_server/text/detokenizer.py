"""Token ids to text, as they come."""

from tokenizers import Tokenizer

_INCOMPLETE = "\ufffd"


class Detokenizer:
    """Gives the text that each new token completes.

    A character may span tokens: bytes that do not yet form one are held back until they do, and
    come out as U+FFFD only at the end. Decoding starts a few tokens back, at the last place where
    text was complete, because many tokenizers write a word differently at the start of a text.
    The pieces together are exactly what the tokenizer makes of all ids at once.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._start = 0
        self._shown = 0

    def feed(self, token: int) -> str:
        """The text completed by ``token``, often a word, sometimes nothing."""
        self._ids.append(token)
        return self._new(final=False)

    def flush(self) -> str:
        """What was held back, at the end of the sequence."""
        return self._new(final=True)

    def _new(self, *, final: bool) -> str:
        before = self._decode(self._ids[self._start : self._shown])
        after = self._decode(self._ids[self._start :])
        if len(after) <= len(before) or (after.endswith(_INCOMPLETE) and not final):
            return ""
        self._start, self._shown = self._shown, len(self._ids)
        return after[len(before) :]

    def _decode(self, ids: list[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text
