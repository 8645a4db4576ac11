"""Request bodies. Fields that nobody knows are ignored; wrong or unsupported ones are refused."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError, from_json

from onnx_server.core.sampling import Sampling
from onnx_server.web.errors import ApiError
from onnx_server.web.unsupported import refuse_unsupported

MAX_STOPS = 4
MAX_CHOICES = 128


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class StreamOptions(_Body):
    """``stream_options``."""

    include_usage: bool = False


Stop = Annotated[str, Field(min_length=1, max_length=256)]


class Options(_Body):
    """What chat and text completions share. Limits and defaults are OpenAI's."""

    model: str
    max_tokens: int | None = Field(None, ge=1)
    temperature: float = Field(1.0, ge=0, le=2)
    top_p: float = Field(1.0, ge=0, le=1)
    n: int = Field(1, ge=1, le=MAX_CHOICES)
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    stop: Stop | Annotated[list[Stop], Field(max_length=MAX_STOPS)] = Field(default_factory=list)
    presence_penalty: float = Field(0.0, ge=-2, le=2)
    frequency_penalty: float = Field(0.0, ge=-2, le=2)
    stream: bool = False
    stream_options: StreamOptions | None = None

    @model_validator(mode="after")
    def _check_stream_options(self) -> "Options":
        if self.stream_options and not self.stream:
            raise PydanticCustomError(
                "stream_options", "stream_options needs stream = true: set it or leave this out"
            )
        return self

    @property
    def stops(self) -> list[str]:
        """Stop sequences as a list."""
        return [self.stop] if isinstance(self.stop, str) else self.stop

    @property
    def include_usage(self) -> bool:
        """Whether a stream ends with a usage chunk."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def sampling(self, choice: int) -> Sampling:
        """How answer number ``choice`` is sampled; with a seed, each has one of its own."""
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            seed=None if self.seed is None else self.seed + choice,
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
        )


class TextPart(_Body):
    """One part of a message; other kinds than text are refused."""

    type: Literal["text"]
    text: str


class ChatMessage(_Body):
    """One message. ``developer`` is OpenAI's newer name for ``system``."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[TextPart], FailFast()] | None = None

    @model_validator(mode="after")
    def _check_content(self) -> "ChatMessage":
        if self.content is None and self.role != "assistant":
            raise PydanticCustomError("content", "content is missing: give a text")
        return self

    def plain(self) -> dict[str, str]:
        """As chat templates expect it."""
        content = self.content or ""
        if isinstance(content, list):
            content = "\n".join(part.text for part in content)
        return {"role": "system" if self.role == "developer" else self.role, "content": content}


class ChatRequest(Options):
    """``POST /v1/chat/completions``. Without a limit an answer may fill the context."""

    messages: Annotated[list[ChatMessage], FailFast()] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1)

    @property
    def token_limit(self) -> int | None:
        """The newer name of the two wins."""
        return self.max_completion_tokens or self.max_tokens


TokenIds = Annotated[list[int], Field(min_length=1), FailFast()]  # all errors of a large list take 1 GB
Texts = Annotated[list[str], Field(min_length=1), FailFast()]
Prompts = Texts | Annotated[list[TokenIds], Field(min_length=1), FailFast()]


class CompletionRequest(Options):
    """``POST /v1/completions``; ``prompt`` is a text, token ids, or a list of either."""

    prompt: str | TokenIds | Prompts
    max_tokens: int | None = Field(16, ge=1)

    @property
    def prompts(self) -> list[str | list[int]]:
        """One entry a prompt."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        if isinstance(self.prompt[0], int):
            return [[token for token in self.prompt if isinstance(token, int)]]
        return [entry for entry in self.prompt if not isinstance(entry, int)]


Parsed = TypeVar("Parsed", bound=Options)


def parse(schema: type[Parsed], body: bytes) -> Parsed:
    """``body`` as ``schema``. Raises ApiError 400 naming the field, its value and its limit."""
    try:
        raw: Any = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ApiError(400, f"the body is not JSON: {error}", code="invalid_json") from error
    if not isinstance(raw, dict):
        raise ApiError(400, "the body is no JSON object", code="invalid_json")
    # A null means "not given" in OpenAI's API.
    given = {name: value for name, value in raw.items() if value is not None}
    refuse_unsupported(given)
    try:
        return schema.model_validate(given)
    except ValidationError as error:
        raise _shaped(error) from None


def _shaped(error: ValidationError) -> ApiError:
    errors = error.errors(include_url=False, include_context=False)
    # Of a field that may have several types each is reported; the one that nearly fits helps.
    first = next((e for e in errors if not e["type"].endswith("_type")), errors[0])
    path = [str(part) for part in first["loc"] if _is_field(part)]
    value = first["input"]
    shown = f" (got {value!r})" if isinstance(value, int | float) else ""
    where = ".".join(path)
    message = f"{where}: {first['msg']}{shown}" if where else first["msg"]
    code = "missing_field" if first["type"] == "missing" else "invalid_value"
    return ApiError(400, message, code=code, param=where or None)


def _is_field(part: int | str) -> bool:
    """Whether a part of pydantic's path is of the body, not the name of a type it tried."""
    return isinstance(part, int) or (part.isidentifier() and part not in {"str", "int"})
