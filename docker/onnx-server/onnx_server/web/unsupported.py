"""Fields that would change the answer and are not supported: refused by name, never ignored."""

from collections.abc import Mapping

from onnx_server.web.errors import ApiError

_OPENAI: Mapping[str, tuple[object, ...]] = {
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
    "web_search_options": (),
    "echo": (False,),
    "suffix": ("",),
    "best_of": (1,),
}
"""Of OpenAI's API, with the values that ask nothing."""

_EXTENSIONS: Mapping[str, tuple[object, ...]] = {
    "top_k": (-1, 0),
    "min_p": (0, 0.0),
    "typical_p": (1, 1.0),
    "repetition_penalty": (1, 1.0),
    "repeat_penalty": (1, 1.0),
    "length_penalty": (1, 1.0),
    "min_tokens": (0,),
    "stop_token_ids": ([],),
    "bad_words": ([],),
    "ignore_eos": (False,),
    "use_beam_search": (False,),
    "logits_processors": ([],),
    "prompt_logprobs": (False,),
    "guided_json": (),
    "guided_regex": (),
    "guided_choice": (),
    "guided_grammar": (),
    "structured_outputs": (),
    "grammar": (),
    "json_schema": (),
    "format": ("",),
    "options": ({},),
    "chat_template": (),
    "chat_template_kwargs": ({},),
    "continue_final_message": (False,),
}
"""Of other engines (vLLM, llama.cpp, Ollama): a client that comes from one of them must notice."""

_HARMLESS = {**_OPENAI, **_EXTENSIONS}


def refuse_unsupported(given: Mapping[str, object]) -> None:
    """Raises ApiError 400 naming the first such field whose value asks something."""
    for name in (each for each in _HARMLESS if each in given):
        value = given[name]
        if not any(type(value) is type(harmless) and value == harmless for harmless in _HARMLESS[name]):
            raise ApiError(
                400,
                f"{name} is not supported by this engine: leave it out",
                code="unsupported_parameter",
                param=name,
            )
