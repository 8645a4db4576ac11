"""The model's own chat template (Jinja, in a sandbox)."""

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from onnx_server.core.errors import ModelRefusedError, RequestRefusedError

Message = dict[str, Any]


class ChatTemplate:
    """Messages to prompt text.

    The environment is the one that ``transformers`` gives templates: trimmed blocks, loop
    controls, ``raise_exception``, ``strftime_now``, ``tojson`` that keeps non-ASCII text.
    """

    def __init__(self, source: str, special_tokens: dict[str, str]) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = _now
        self._special_tokens = special_tokens
        try:
            self._template: Template = environment.from_string(source)
        except TemplateError as error:
            raise ModelRefusedError(f"the chat template does not compile: {error}") from error

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt, ending where the answer begins.

        Raises RequestRefusedError when the template refuses the messages (many accept only
        certain orders of roles).
        """
        try:
            return self._template.render(
                messages=list(messages), add_generation_prompt=True, **self._special_tokens
            )
        except (TemplateError, TypeError, ValueError) as error:
            raise RequestRefusedError(
                f"the model's chat template refuses these messages: {error}", "invalid_messages"
            ) from error


def find_template(folder: Path, tokenizer_config: dict[str, Any]) -> str | None:
    """``chat_template.jinja``, else the field of tokenizer_config.json, else None."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    field = tokenizer_config.get("chat_template")
    if isinstance(field, list):
        named = {entry["name"]: entry["template"] for entry in field}
        field = named.get("default")
    return field if isinstance(field, str) else None


def _to_json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _now(form: str) -> str:
    return datetime.datetime.now().astimezone().strftime(form)


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)
